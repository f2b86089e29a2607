import type { ImageDeps } from '../../deps.ts'
import { ImageForbidden, InvalidImage } from '../../errors.ts'
import type { NewImage } from '../../operations/images.ts'
import { checkAttribute, isReserved, isWritable, refusedAtCreation } from './schema.ts'

/** Tells attributes from custom properties. Throws InvalidImage and ImageForbidden. */
export function readNewImage({ config }: Pick<ImageDeps, 'config'>, body: Readonly<Record<string, unknown>>) {
  const names = Object.keys(body)
  const refused = names.find((name) => refusedAtCreation.includes(name))
  if (refused !== undefined) throw new ImageForbidden(`Attribute '${refused}' is read-only.`)
  const reserved = names.find((name) => isReserved(name) || name === 'locations')
  if (reserved !== undefined) throw new ImageForbidden(`Attribute '${reserved}' is reserved.`)
  const attributes: Record<string, unknown> = {}
  const properties: Record<string, string> = {}
  for (const [name, value] of Object.entries(body)) {
    checkAttribute(config, name, value)
    if (name.length > 255) throw new InvalidImage('Custom property should not be greater than 255 characters.')
    if (isWritable(name)) attributes[name] = value
    else properties[name] = (value as string | null) ?? ''
  }
  return { attributes: attributes as NewImage, properties }
}
