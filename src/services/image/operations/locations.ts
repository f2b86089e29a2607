/** Locations as users change them with PATCH, where `show_multiple_locations` allows it. Only http(s) URLs are taken. */
import type { Context } from '../../../platform/auth/context.ts'
import type { ImageDeps } from '../deps.ts'
import { ImageConflict, ImageForbidden, ImageNotFound, InvalidImage, TooLarge } from '../errors.ts'
import { policy } from '../policies.ts'
import { findImage, updateImage, type Image, type ImageDb } from '../store/images.ts'
import { insertLocation, setLocation } from '../store/locations.ts'
import type { ImageStore } from '../stores/store.ts'
import { removeData } from './remove-data.ts'
import { requireFormats } from './upload.ts'

interface LocationChange {
  op: 'add' | 'remove' | 'replace'
  name: string
  position?: string
  value?: unknown
}

interface GivenLocation {
  url: string
  metadata: Record<string, unknown>
  validation_data?: { checksum?: string; os_hash_algo: string; os_hash_value: string }
}

/** The store that reads a URL a user has named; `file:` and the like are never theirs to name. Throws InvalidImage. */
export function storeOfUrl({ stores }: Pick<ImageDeps, 'stores'>, url: string): ImageStore {
  const store = /^https?:\/\//i.test(url) ? stores.all().find((each) => each.type === 'http') : undefined
  if (!store) throw new InvalidImage('Invalid location')
  return store
}

/** Applies the `/locations` steps of a patch. */
export async function changeLocations(
  ctx: Context,
  deps: ImageDeps,
  id: string,
  changes: readonly LocationChange[],
): Promise<void> {
  for (const change of changes.filter((each) => each.name === 'locations')) {
    const image = await findImage(deps.database.db, id)
    if (!image) throw new ImageNotFound(id)
    const target = { project_id: image.owner, owner: image.owner, visibility: image.visibility }
    const value = change.value as GivenLocation | GivenLocation[] | undefined
    if (change.op === 'replace' && Array.isArray(value) && value.length === 0)
      throw new ImageForbidden('Cannot set locations to empty list.')
    ctx.authorize(policy(change.op === 'remove' ? 'delete_image_location' : 'set_image_location'), target)
    const verb = { add: 'add', remove: 'remove', replace: 'update' }[change.op]
    if (!deps.config.showMultipleLocations)
      throw new ImageForbidden(`It's not allowed to ${verb} locations if locations are invisible.`)
    const states = change.op === 'remove' ? ['active'] : ['active', 'queued']
    if (!states.includes(image.status))
      throw new ImageConflict(`It's not allowed to ${change.op} locations if image status is ${image.status}.`)
    if (change.op === 'remove') await removeLocation(deps, image, change.position ?? '')
    else if (change.op === 'replace' && image.locations.length > 0) await rearrange(deps, image, [value!].flat())
    else await addLocations(deps, image, [value!].flat(), change)
  }
}

async function addLocations(deps: ImageDeps, image: Image, given: readonly GivenLocation[], change: LocationChange) {
  const { database, config } = deps
  const kept = image.locations
  const duplicate = given.find(
    ({ url }, index) => kept.some((old) => old.url === url) || given.findIndex((other) => other.url === url) < index,
  )
  if (duplicate) throw new InvalidImage(`The location ${duplicate.url} already exists`)
  const count = kept.length + given.length
  if (config.locationQuota >= 0 && count > config.locationQuota)
    throw new TooLarge(
      `The limit has been exceeded on the number of allowed image locations. Attempted: ${count}, Maximum: ${config.locationQuota}`,
    )
  const position = change.op === 'add' ? positionOf(change.position ?? '', image.locations.length, true) : undefined
  if (change.op === 'add' && position === undefined) throw new InvalidImage('Invalid position for adding a location.')
  const rows = given.map((each) => ({ ...each, store: storeOfUrl(deps, each.url) }))
  const known = validationData(deps, image, given)
  if (image.status === 'queued') requireFormats(image)
  const size =
    image.status === 'queued' && rows[0] ? await rows[0].store.size({ imageId: image.id, url: rows[0].url }) : undefined
  await database.transaction(async (tx) => {
    if (position !== undefined) await makeRoom(tx, image, position, rows.length)
    for (const [index, { url, metadata, store }] of rows.entries()) {
      const { store: _named, ...rest } = metadata
      await insertLocation(tx, {
        imageId: image.id,
        store: store.id,
        url,
        metadata: rest,
        status: 'active',
        ...(position !== undefined && { position: position + index }),
      })
    }
    if (image.status !== 'queued') return
    const isThere = await updateImage(tx, image.id, ['queued'], { status: 'active', size: size ?? null, ...known })
    if (!isThere) throw new ImageConflict(`Image ${image.id} changed meanwhile, try again.`)
  })
}

/** The same URLs in another order or with other metadata: an image that has locations is never told to have others. */
async function rearrange({ database }: Pick<ImageDeps, 'database'>, image: Image, given: readonly GivenLocation[]) {
  const byUrl = new Map(image.locations.map((old) => [old.url, old]))
  const isSame = given.length === byUrl.size && new Set(given.map(({ url }) => url)).size === byUrl.size
  if (!isSame || given.some(({ url }) => !byUrl.has(url)))
    throw new InvalidImage(
      `Original locations is not empty: ${image.locations.map(({ url }) => url).join(', ')}. Only their order and metadata may be replaced.`,
    )
  await database.transaction(async (tx) => {
    for (const [position, { url, metadata }] of given.entries()) {
      const { store: _named, ...rest } = metadata
      await setLocation(tx, byUrl.get(url)!.id, { position, metadata: JSON.stringify(rest) })
    }
  })
}

/** Numbers the locations anew, with a gap where others come in. */
async function makeRoom(tx: ImageDb, image: Image, position: number, count: number) {
  for (const [index, location] of image.locations.entries())
    await setLocation(tx, location.id, { position: index < position ? index : index + count })
}

async function removeLocation(deps: ImageDeps, image: Image, text: string) {
  if (image.locations.length === 1) throw new ImageForbidden('Cannot remove last location in the image.')
  const position = positionOf(text, image.locations.length, false)
  if (position === undefined) throw new InvalidImage('Invalid position for removing a location.')
  await dropLocation(deps, image.locations[position]!)
}

/** Forgets a location, then removes its data. */
export async function dropLocation(
  deps: Pick<ImageDeps, 'database' | 'stores' | 'log'>,
  location: Image['locations'][number],
) {
  await setLocation(deps.database.db, location.id, { status: 'pending_delete' })
  await removeData(deps, location.image_id)
}

function positionOf(text: string, count: number, isInsertion: boolean): number | undefined {
  const most = isInsertion ? count : count - 1
  if (text === '-') return most
  if (!/^\d+$/.test(text)) return undefined
  const position = Number(text)
  return isInsertion ? Math.min(position, most) : position <= most ? position : undefined
}

/** What the caller says about the data: it must not contradict itself or what is known. Throws ImageConflict. */
function validationData({ config }: Pick<ImageDeps, 'config'>, image: Image, given: readonly GivenLocation[]) {
  const columns = { checksum: 'checksum', os_hash_algo: 'hash_algo', os_hash_value: 'hash_value' } as const
  const found: Partial<Record<'checksum' | 'hash_algo' | 'hash_value', string>> = {}
  for (const { validation_data: data } of given) {
    for (const [name, column] of Object.entries(columns) as [
      keyof typeof columns,
      (typeof columns)[keyof typeof columns],
    ][]) {
      const value = data?.[name]
      if (value === undefined) continue
      if ((found[column] ?? value) !== value) throw new ImageConflict(`Conflicting values for ${name}`)
      if (image[column] !== null && image[column] !== value)
        throw new ImageConflict(`${name} is already set with a different value`)
      if (image[column] === null) found[column] = value
    }
  }
  if (Object.keys(found).length === 0) return {}
  if (image.status !== 'queued')
    throw new ImageConflict(
      `New value(s) for ${Object.keys(found).join(', ')} may only be provided when image status is 'queued'`,
    )
  requireHex('checksum', found.checksum, 16, 'md5')
  if (found.hash_algo !== config.hashingAlgorithm)
    throw new ImageConflict(`os_hash_algo must be ${config.hashingAlgorithm}, not ${found.hash_algo ?? 'None'}`)
  requireHex('os_hash_value', found.hash_value, digestBytes[config.hashingAlgorithm] ?? 64, config.hashingAlgorithm)
  return found
}

export const digestBytes: Record<string, number> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
  'sha3-256': 32,
  'sha3-512': 64,
  blake2b512: 64,
}

function requireHex(name: string, value: string | undefined, bytes: number, algorithm: string) {
  if (value === undefined) return
  if (!/^([0-9a-fA-F]{2})+$/.test(value)) throw new ImageConflict(`${name} (${value}) is not a valid hexadecimal value`)
  if (value.length !== bytes * 2)
    throw new ImageConflict(`${name} (${value}) is not the correct size for ${algorithm} (should be ${bytes} bytes)`)
}
