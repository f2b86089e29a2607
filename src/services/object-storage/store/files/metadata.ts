/**
 * The metadata of an object's file, in its extended attributes: a Python pickle of a dict of bytes, cut into pieces, with the
 * hash of the whole beside them. A file's name is the moment of its content, so that a path never leads to other metadata.
 */
import { getAttributeSync, setAttributeSync } from '@napi-rs/xattr'
import { createHash } from 'node:crypto'
import { unpickle, UnpicklingError } from '../../model/pickle/reader.ts'
import { pickle } from '../../model/pickle/writer.ts'

/** By names in lower case; values are bytes as latin1. */
export type Metadata = Record<string, string>

/** The metadata is missing or damaged: the file is of no use. */
export class MetadataError extends Error {}

const attribute = 'user.swift.metadata'
const checksumAttribute = 'user.swift.metadata_checksum'
const pieceSize = 65_536

/** The library tells what the system says by text only. */
const codes: Readonly<Record<string, string>> = {
  2: 'ENOENT',
  5: 'EIO',
  28: 'ENOSPC',
  30: 'EROFS',
  95: 'ENOTSUP',
  122: 'EDQUOT',
}

function withCode<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const number = /\(os error (\d+)\)/.exec((error as Error).message)?.[1]
    throw number !== undefined && codes[number] !== undefined
      ? Object.assign(error as Error, { code: codes[number] })
      : error
  }
}

const nameOf = (piece: number) => `${attribute}${piece === 0 ? '' : piece}`

/** Names that upstream writes in another way than with capitals at the beginning of words. */
const written: Readonly<Record<string, string>> = { etag: 'ETag', name: 'name' }
const asWritten = (name: string) =>
  written[name] ??
  name.replaceAll(/(^|[^a-z])([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase())

const bytes = (text: string) => Buffer.from(text, 'latin1')

/** Throws what the file system says, such as ENOSPC and ENOTSUP. */
export function writeMetadata(path: string, metadata: Metadata): void {
  const dict = new Map(Object.entries(metadata).map(([name, value]) => [bytes(asWritten(name)), bytes(value)]))
  const whole = pickle(dict)
  for (let piece = 0; piece * pieceSize < whole.length; piece++)
    withCode(() => setAttributeSync(path, nameOf(piece), whole.subarray(piece * pieceSize, (piece + 1) * pieceSize)))
  withCode(() => setAttributeSync(path, checksumAttribute, md5(whole)))
}

const md5 = (content: Buffer) => createHash('md5').update(content).digest('hex')

/** Throws MetadataError, and ENOENT where the file is gone. */
export function readMetadata(path: string): Metadata {
  const pieces: Buffer[] = []
  for (let piece = 0; ; piece++) {
    const found = withCode(() => getAttributeSync(path, nameOf(piece)))
    if (!found) break
    pieces.push(found)
    if (found.length < pieceSize) break
  }
  if (pieces.length === 0) throw new MetadataError('the file has no metadata')
  const whole = Buffer.concat(pieces)
  const checksum = withCode(() => getAttributeSync(path, checksumAttribute))
  // Files of older releases have none.
  if (checksum && checksum.toString() !== md5(whole)) throw new MetadataError('the metadata is not what was written')
  return metadataOf(whole)
}

function metadataOf(whole: Buffer): Metadata {
  try {
    const dict = unpickle(whole)
    if (!(dict instanceof Map)) throw new UnpicklingError('the metadata is no dict')
    const text = (value: unknown) => (Buffer.isBuffer(value) ? value : Buffer.from(String(value))).toString('latin1')
    return Object.fromEntries([...dict].map(([name, value]) => [text(name).toLowerCase(), text(value)]))
  } catch (cause) {
    if (cause instanceof UnpicklingError) throw new MetadataError('the metadata cannot be read', { cause })
    throw cause
  }
}
