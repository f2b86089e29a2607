/** Names as glance's `disk_format` spells them; `gpt` is any disk with a partition table, MBR included. */
export type DiskFormat = 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vhd' | 'vhdx' | 'iso' | 'gpt' | 'luks' | 'qed' | 'ploop'

export type DiskProblemCode =
  | 'has-backing-file'
  | 'has-data-file'
  | 'has-parent'
  | 'unknown-features'
  | 'unsupported-version'
  | 'format-not-allowed'
  | 'vmdk-type-not-allowed'
  | 'vmdk-extent-outside'
  | 'vmdk-bad-footer'
  | 'vhdx-dirty-log'
  | 'bad-header'
  | 'bad-mbr'
  | 'size-out-of-range'
  | 'several-formats'
  | 'truncated'

/** A reason not to accept an image; `message` is a sentence for the user. */
export interface DiskProblem {
  code: DiskProblemCode
  message: string
}

/** What a probe waits for: bytes at an offset, or the last bytes of the file. Fewer come where the file is shorter. */
export type Want = { from: 'start'; offset: number; length: number } | { from: 'end'; length: number }

/**
 * One format's reading of the stream. It yields what it wants to see next and is resumed with those bytes, so a probe
 * reads like code over a file although the bytes pass by once. A probe that wants bytes which have passed gets none,
 * unless they lie in the first HEAD_BYTES, which are kept.
 */
export type Probe = Generator<Want, void, Uint8Array>

export const HEAD_BYTES = 64 * 1024
export const TAIL_BYTES = 3 * 512

export const NOTHING = new Uint8Array(0)

/** What one probe has found so far. */
export class Finding {
  readonly format: DiskFormat
  readonly problems: DiskProblem[] = []
  matched = false
  virtualSize: bigint | null = null
  /** Formats that a lawful image of this format may also look like: an ISO that boots as a block device has an MBR. */
  alsoLooksLike: readonly DiskFormat[] = []
  /** Null until the whole file has passed. */
  fileSize: number | null = null

  constructor(format: DiskFormat) {
    this.format = format
  }

  /** `what` completes the sentence "Image is qcow2 ...". */
  problem(code: DiskProblemCode, what: string): void {
    if (this.problems.some((known) => known.code === code)) return
    this.problems.push({ code, message: `Image is ${this.format} ${what}` })
  }
}

export function read(offset: number, length: number): Want {
  return { from: 'start', offset, length }
}

export function readEnd(length: number): Want {
  return { from: 'end', length }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** One character per byte, so that indexes into the text are indexes into the bytes. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
    'latin1',
    start,
    Math.min(end, bytes.length),
  )
}

export function hasMagic(bytes: Uint8Array, magic: string, at = 0): boolean {
  return latin1(bytes, at, at + magic.length) === magic
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
