/** JSON patch of an image: reads `openstack-images-v2.1-json-patch` and the older v2.0, and applies it; pure. */
import { HttpError } from '../../../../platform/http/errors.ts'
import type { ImageConfig } from '../../config.ts'
import { ImageConflict, ImageForbidden, InvalidImage } from '../../errors.ts'
import type { PropertyAction } from '../../operations/property-rules.ts'
import type { Image } from '../../store/images.ts'
import { checkAttribute, isReserved, isWritable, readOnlyNames, type Writable } from './schema.ts'

export const patchTypes = [
  'application/openstack-images-v2.0-json-patch',
  'application/openstack-images-v2.1-json-patch',
] as const

type Operation = 'add' | 'remove' | 'replace'
const operations: readonly string[] = ['add', 'remove', 'replace']

export interface Change {
  op: Operation
  name: string
  /** Of `/locations/POSITION`. */
  position?: string
  value?: unknown
  /** v2.0: adding what is there is a conflict. */
  isStrict: boolean
}

/** Reads the body of a PATCH. Throws 415, InvalidImage and ImageForbidden. */
export function parsePatch(config: ImageConfig, contentType: string | undefined, body: unknown): Change[] {
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase()
  if (!(patchTypes as readonly string[]).includes(type)) {
    const allowed = patchTypes.join(', ')
    throw new HttpError(415, `Image PATCH expects Content-Type one of: ${allowed}`, {
      headers: { 'Accept-Patch': allowed },
    })
  }
  if (body === undefined) throw new InvalidImage('Body expected in request.')
  if (!Array.isArray(body)) throw new InvalidImage('Request body must be a JSON array of operation objects.')
  const isOld = type === patchTypes[0]
  return body.map((raw: unknown) => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
      throw new InvalidImage('Operations must be JSON objects.')
    return parseChange(config, raw as Record<string, unknown>, isOld)
  })
}

function parseChange(config: ImageConfig, raw: Record<string, unknown>, isOld: boolean): Change {
  const { op, path } = isOld ? oldOperation(raw) : operation(raw)
  const parts = parsePointer(path)
  const [name = '', position] = parts
  const depth = name === 'locations' && op !== 'replace' ? 2 : 1
  if (parts.length !== depth) throw new InvalidImage(`Invalid JSON pointer for this resource: '/${parts.join('/')}'`)
  const change: Change = { op, name, isStrict: isOld, ...(position !== undefined && { position }) }
  if (op !== 'remove') {
    if (!Object.hasOwn(raw, 'value')) throw new InvalidImage(`Operation "${op}" requires a member named "value".`)
    change.value = raw['value']
  }
  if (readOnlyNames.includes(name)) throw new ImageForbidden(`Attribute '${name}' is read-only.`)
  if (isReserved(name)) throw new ImageForbidden(`Attribute '${name}' is reserved.`)
  if (name.length > 255) throw new InvalidImage('Custom property should not be greater than 255 characters.')
  if (op !== 'remove') checkAttribute(config, name, depth === 2 ? [change.value] : change.value)
  return change
}

function operation(raw: Record<string, unknown>): { op: Operation; path: string } {
  const available = operations.join(', ')
  const { op, path } = raw
  if (op === undefined || op === null)
    throw new InvalidImage(
      `Unable to find \`op\` in JSON Schema change. It must be one of the following: ${available}.`,
    )
  if (typeof op !== 'string' || !operations.includes(op))
    throw new InvalidImage(`Invalid operation: \`${String(op)}\`. It must be one of the following: ${available}.`)
  if (typeof path !== 'string') throw new InvalidImage("Unable to find 'path' in JSON Schema change")
  return { op: op as Operation, path }
}

function oldOperation(raw: Record<string, unknown>): { op: Operation; path: string } {
  const found = operations.filter((name) => Object.hasOwn(raw, name))
  if (found.length !== 1)
    throw new InvalidImage(
      `Operation objects must contain ${found.length === 0 ? 'exactly' : 'only'} one member named "add", "remove", or "replace".`,
    )
  const path = raw[found[0]!]
  if (typeof path !== 'string') throw new InvalidImage('The path of an operation must be a string.')
  return { op: found[0] as Operation, path }
}

function parsePointer(pointer: string): string[] {
  const fail = (why: string): never => {
    throw new InvalidImage(`Pointer \`${pointer}\` ${why}.`)
  }
  if (!pointer.startsWith('/')) fail('does not start with "/"')
  if (/\/\s*?\//.test(pointer.slice(1))) fail('contains adjacent "/"')
  if (pointer.length > 1 && pointer.endsWith('/')) fail('end with "/"')
  if (pointer.slice(1).trim() === '' || pointer.slice(1).trim() === '/') fail('does not contains valid token')
  if (/~[^01]/.test(pointer) || pointer.endsWith('~')) fail('contains "~" not part of a recognized escape sequence')
  const parts = pointer
    .replace(/^\/+/, '')
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~').trim())
  // As a key of any body: see readJson.
  if (parts.includes('__proto__')) fail("names '__proto__', which is not allowed")
  return parts
}

/** What the caller may do with a custom property. */
export type Allows = (property: string, action: PropertyAction) => boolean

/** The image after all changes but those of locations. Throws ImageForbidden, ImageConflict, InvalidImage. */
export function applyPatch(image: Image, changes: readonly Change[], allows: Allows): Image {
  return changes
    .filter((change) => change.name !== 'locations')
    .reduce((before, change) => applyChange(before, change, allows), image)
}

function applyChange(image: Image, change: Change, allows: Allows): Image {
  const { op, name, value } = change
  if (isWritable(name)) {
    if (op === 'remove') throw new ImageForbidden(`Property ${name} may not be removed.`)
    if (op === 'add' && change.isStrict) throw new ImageConflict(`Property ${name} already present.`)
    return setBase(image, name, value)
  }
  // A property that the caller may not read is not there for it.
  const isThere = Object.hasOwn(image.properties, name) && allows(name, 'read')
  const action: PropertyAction = op === 'remove' ? 'delete' : isThere ? 'update' : 'create'
  if (!isThere && op !== 'add') throw new ImageConflict(`Property ${name} does not exist.`)
  if (isThere && op === 'add' && change.isStrict) throw new ImageConflict(`Property ${name} already present.`)
  if (!allows(name, action)) throw new ImageForbidden(`Attribute '${name}' is reserved.`)
  const { [name]: _before, ...rest } = image.properties
  if (op === 'remove') return { ...image, properties: rest }
  return { ...image, properties: { ...rest, [name]: (value as string | null) ?? '' } }
}

function setBase(image: Image, name: Writable, value: unknown): Image {
  switch (name) {
    case 'protected':
      return { ...image, is_protected: value ? 1 : 0 }
    case 'os_hidden':
      return { ...image, is_hidden: value ? 1 : 0 }
    case 'tags':
      return { ...image, tags: [...new Set(value as string[])].sort() }
    case 'owner':
      return { ...image, owner: (value as string | null) ?? '' }
    case 'disk_format':
    case 'container_format':
      if (image.status !== 'queued' && image.status !== 'importing')
        throw new ImageForbidden(`Attribute ${name} can be only replaced for a queued image.`)
      return { ...image, [name]: value }
    default:
      return { ...image, [name]: value }
  }
}
