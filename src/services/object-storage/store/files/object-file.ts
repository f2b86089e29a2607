/**
 * An object on a device: a folder with a file of its data, perhaps a newer one with metadata only, or one that says that it
 * was deleted. What the newest say is the object; the others are removed.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { FileSource } from '../../../../base/file-source.ts'
import { decodeTimes, metaFileName, zero, type Timestamp } from '../../model/timestamp.ts'
import { makeFolder } from './devices.ts'
import { noteChange, openDraft } from './draft.ts'
import { MetadataError, readMetadata, type Metadata } from './metadata.ts'

/** Where an object is. */
export interface ObjectPlace {
  /** Folder of the device. */
  readonly device: string
  /** Folder of the object. */
  readonly folder: string
  /** `/account/container/object`, bytes as latin1. */
  readonly name: string
  /** `objects`, `tmp` and so on for the first policy, `objects-1` for others. */
  readonly policySuffix: string
}

export interface OpenObject {
  readonly state: 'there'
  /** Of data and metadata together. */
  readonly metadata: Metadata
  readonly dataMetadata: Metadata
  /** Null where no metadata was written since the data. */
  readonly metaMetadata: Metadata | null
  readonly dataTime: Timestamp
  /** Of the newest of both files. */
  readonly time: Timestamp
  readonly typeTime: Timestamp
  readonly size: number
  /** Gives a part of the data; both ends are included. */
  read(start: number, end: number): Promise<FileSource>
  close(): Promise<void>
}

export type Found = OpenObject | { readonly state: 'deleted'; readonly time: Timestamp } | { readonly state: 'absent' }

interface Files {
  data: string | undefined
  meta: string | undefined
  tombstone: string | undefined
  obsolete: string[]
}

const timeOf = (name: string): Timestamp => decodeTimes(name.replace(/\.[a-z]+$/, '').replace(/#.*$/, ''))[0]

/** Which of the files count. */
export function choose(names: readonly string[]): Files {
  const known = names.filter((name) => /^\d[\d._a-f]*([+-][0-9a-f]+)?\.(data|meta|ts)$/.test(name))
  const newestFirst = known.sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : timeOf(a) > timeOf(b) ? -1 : a < b ? 1 : -1))
  const newest = (ending: string) => newestFirst.find((name) => name.endsWith(ending))
  const tombstone = newest('.ts')
  const data = newest('.data')
  const isDeleted = tombstone !== undefined && (data === undefined || timeOf(tombstone) >= timeOf(data))
  const meta = newest('.meta')
  const hasMeta = !isDeleted && data !== undefined && meta !== undefined && timeOf(meta) > timeOf(data)
  const chosen = {
    data: isDeleted ? undefined : data,
    meta: hasMeta ? meta : undefined,
    tombstone: isDeleted ? tombstone : undefined,
  }
  const kept = new Set([chosen.data, chosen.meta, chosen.tombstone])
  return { ...chosen, obsolete: known.filter((name) => !kept.has(name) && (isDeleted || data !== undefined)) }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Opens what is there. What is damaged is put aside, and absent then. */
export async function openObject(place: ObjectPlace, onDamage: (reason: string) => void): Promise<Found> {
  // A file that is replaced between looking and opening has a newer one in its place.
  for (let attempt = 0; ; attempt++) {
    const files = choose(await namesIn(place.folder))
    if (files.tombstone !== undefined) return { state: 'deleted', time: timeOf(files.tombstone) }
    if (files.data === undefined) return { state: 'absent' }
    try {
      return await openFiles(place, files.data, files.meta)
    } catch (error) {
      if (error instanceof MetadataError) {
        onDamage(error.message)
        await quarantine(place)
        return { state: 'absent' }
      }
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt >= 3) throw error
    }
  }
}

async function openFiles(place: ObjectPlace, data: string, meta: string | undefined): Promise<OpenObject> {
  const path = join(place.folder, data)
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const dataMetadata = readMetadata(path)
    const { size } = await handle.stat()
    if (Number(dataMetadata['content-length']) !== size)
      throw new MetadataError(`the file has ${size} bytes, its metadata says ${dataMetadata['content-length']}`)
    if (dataMetadata['name'] !== place.name) throw new MetadataError('the file is of another object')
    const metaMetadata = meta === undefined ? null : readMetadata(join(place.folder, meta))
    return objectOf(handle, { path, size, dataMetadata, metaMetadata, meta })
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** What is of the data, whatever is written about it later. */
const isOfData = (name: string) =>
  /^(content-length|deleted|etag|content-type|x-timestamp|name)$|^x-object-sysmeta-/.test(name)

interface Parts {
  path: string
  size: number
  dataMetadata: Metadata
  metaMetadata: Metadata | null
  meta: string | undefined
}

function objectOf(handle: FileHandle, { path, size, dataMetadata, metaMetadata, meta }: Parts): OpenObject {
  const dataTime = dataMetadata['x-timestamp'] ?? zero
  const typeTime = metaMetadata?.['content-type-timestamp'] ?? dataTime
  const kept = Object.fromEntries(Object.entries(dataMetadata).filter(([name]) => isOfData(name)))
  const isTypeNewer = metaMetadata?.['content-type'] !== undefined && typeTime > dataTime
  const metadata = metaMetadata
    ? {
        ...metaMetadata,
        ...kept,
        'content-type': (isTypeNewer ? metaMetadata['content-type'] : dataMetadata['content-type']) ?? '',
        'x-timestamp': metaMetadata['x-timestamp'] ?? timeOf(meta!),
      }
    : { ...dataMetadata }
  let first: FileHandle | undefined = handle
  return {
    state: 'there',
    metadata,
    dataMetadata,
    metaMetadata,
    dataTime,
    time: metadata['x-timestamp'] ?? dataTime,
    typeTime: isTypeNewer ? typeTime : dataTime,
    size,
    async read(start, end) {
      const own = first ?? (await open(path, constants.O_RDONLY | constants.O_NOFOLLOW))
      first = undefined
      return new FileSource(own, { start, end })
    },
    async close() {
      const own = first
      first = undefined
      await own?.close()
    },
  }
}

/** Puts the folder of an object where nobody serves it from. */
export async function quarantine({ device, folder, policySuffix }: ObjectPlace): Promise<void> {
  const target = join(device, 'quarantined', `objects${policySuffix}`, basename(folder))
  await makeFolder(join(device, 'quarantined', `objects${policySuffix}`))
  try {
    await rename(folder, target)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code !== 'EEXIST' && code !== 'ENOTEMPTY') throw error
    await rename(folder, `${target}-${randomBytes(16).toString('hex')}`)
  }
  await noteChange(folder)
}

/** Removes the files that newer ones have made useless. */
export async function removeObsolete(folder: string): Promise<void> {
  for (const name of choose(await namesIn(folder)).obsolete) await rm(join(folder, name), { force: true })
}

/** Writes that the object was deleted then. Throws DeviceError. */
export async function writeTombstone(place: ObjectPlace, time: Timestamp): Promise<void> {
  await writeSmall(place, `${time}.ts`, { 'x-timestamp': time, name: place.name })
}

/** Writes metadata that is newer than the data. Throws DeviceError. */
export async function writeMeta(place: ObjectPlace, metadata: Metadata, time: Timestamp): Promise<void> {
  const name = metaFileName(time, metadata['content-type-timestamp'])
  await writeSmall(place, `${name}.meta`, { ...metadata, 'x-timestamp': time, name: place.name })
}

async function writeSmall(place: ObjectPlace, name: string, metadata: Metadata): Promise<void> {
  const draft = await openDraft(place.device, `tmp${place.policySuffix}`)
  try {
    await draft.commit(place.folder, name, metadata)
  } finally {
    await draft.close()
  }
  await removeObsolete(place.folder)
}
