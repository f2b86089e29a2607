/**
 * Where the data of images lives. Every store passes stores/store.test.ts. A store never takes a path or a name from a
 * user: it makes its own from the image's id.
 */
import type { Readable } from 'node:stream'

export type StoreType = 'file' | 'http' | 'swift'

export interface ByteRange {
  readonly start: number
  /** Inclusive. */
  readonly end: number
}

/** Takes the data of one image. Nothing of it can be read before `finish`. */
export interface StoreWriter {
  /** In order; the bytes may be changed by the caller when it has resolved. */
  write(bytes: Uint8Array): Promise<void>
  /** Makes what was written the image's data, for sure on disk, in one step; returns its URL. */
  finish(): Promise<string>
  abort(): Promise<void>
}

export interface ImageStore {
  readonly id: string
  readonly type: StoreType
  readonly description: string
  readonly weight: number
  readonly isReadOnly: boolean
  /** True where reading is as cheap as from the image cache. */
  readonly isLocal: boolean
  /** What GET /v2/info/stores/detail tells administrators. */
  readonly properties: Readonly<Record<string, unknown>>
  /** Throws StoreReadOnly, StoreFull. */
  begin(imageId: string, size: number | undefined): Promise<StoreWriter>
  /** Throws DataNotFound. */
  read(place: Place, range?: ByteRange): Promise<Readable>
  /** Undefined where there is no data. */
  size(place: Place): Promise<number | undefined>
  /** Also removes what a cut `begin` has left. No error when nothing is there. */
  remove(place: Place): Promise<void>
  /** Ids of all images that have data or remains here; only of stores that nobody else writes to. */
  list?(): Promise<string[]>
}

/** An image's data in a store: the URL is what `finish` gave, or what a user named (http). */
export interface Place {
  readonly imageId: string
  readonly url: string
}

export class StoreReadOnly extends Error {
  constructor(id: string) {
    super(`Store ${id} is read-only.`)
  }
}

export class DataNotFound extends Error {
  constructor(imageId: string, store: string) {
    super(`The data of image ${imageId} is not in store ${store}.`)
  }
}

/** The medium is full; the message is for the log. */
export class StoreFull extends Error {}

/** A store that cannot be reached now. */
export class StoreUnavailable extends Error {}
