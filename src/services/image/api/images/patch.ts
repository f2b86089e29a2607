/** JSON-patch on an image (`openstack-images-v2.1-json-patch`); pure. */
import { Conflict, Forbidden } from '../../../../platform/http/errors.ts'
import { findProblem } from '../../../../platform/http/schema.ts'
import { InvalidImage } from '../../errors.ts'
import type { Image } from '../../store/images.ts'
import { readOnly, schemaOf, writableNames, type Writable } from './schema.ts'

export interface PatchStep {
  op: string
  path: string
  value?: unknown
}

const isWritable = (name: string): name is Writable => (writableNames as string[]).includes(name)

/** The image after all steps. Throws Forbidden on read-only attributes, Conflict on missing ones, InvalidImage on bad values. */
export function applyPatch(image: Image, steps: readonly PatchStep[]): Image {
  return steps.reduce(applyStep, image)
}

function applyStep(image: Image, { op, path, value }: PatchStep): Image {
  if (!path.startsWith('/') || path.length < 2) throw new InvalidImage(`Pointer \`${path}\` does not start with "/".`)
  if (path.endsWith('/') || path.includes('//'))
    throw new InvalidImage(`Pointer \`${path}\` contains adjacent or trailing "/".`)
  const [name = '', ...rest] = path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (rest.length > 0) throw new InvalidImage(`Pointer \`${path}\` names no attribute of an image.`)
  if ((readOnly as readonly string[]).includes(name) || name === 'id')
    throw new Forbidden(`Attribute '${name}' is read-only.`)
  if (isWritable(name)) return setBase(image, name, op, value)
  if (op === 'remove') {
    if (!Object.hasOwn(image.properties, name)) throw new Conflict(`Property ${name} does not exist.`)
    const { [name]: _gone, ...properties } = image.properties
    return { ...image, properties }
  }
  if (op === 'replace' && !Object.hasOwn(image.properties, name)) throw new Conflict(`Property ${name} does not exist.`)
  if (typeof value !== 'string')
    throw new InvalidImage(`Invalid value for property ${name}: ${JSON.stringify(value)} is not of type 'string'`)
  return { ...image, properties: { ...image.properties, [name]: value } }
}

function setBase(image: Image, name: Writable, op: string, value: unknown): Image {
  if (op === 'remove') throw new Forbidden(`Property ${name} may not be removed.`)
  const problem = findProblem(schemaOf(name), value)
  if (problem)
    throw new InvalidImage(`Provided object does not match schema 'image': ${problem.message} for property ${name}`)
  switch (name) {
    case 'protected':
      return { ...image, is_protected: value ? 1 : 0 }
    case 'os_hidden':
      return { ...image, is_hidden: value ? 1 : 0 }
    case 'tags':
      return { ...image, tags: [...new Set(value as string[])].sort() }
    case 'owner':
      return { ...image, owner: (value as string | null) ?? '' }
    default:
      return { ...image, [name]: value }
  }
}
