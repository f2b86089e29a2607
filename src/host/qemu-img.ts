/**
 * qemu-img, for files on this host. The format of every file is said and never guessed: a guest can write any header to
 * its disk. Each call runs with bounded memory, time and output, and without network. Sizes are in bytes, durations in ms.
 */
import { run } from './command.ts'
import type { Limits, RunAs } from './command.ts'
import type { DiskFormat } from './qemu-arguments.ts'
import { matching, wholeNumber } from './safe-text.ts'

export type ImageFormat = DiskFormat | 'vmdk' | 'vdi' | 'vhdx' | 'vpc' | 'parallels' | 'qcow'
export type ImageInfo = {
  format: string
  virtualSize: number
  actualSize: number
  backingFile: string | undefined
  backingFormat: string | undefined
  /** A qcow2 file whose data is in another file: never to be trusted when it came from outside. */
  dataFile: string | undefined
  isEncrypted: boolean
}
export type ImageOptions = { timeoutMs?: number; limits?: Limits; runAs?: RunAs; signal?: AbortSignal }

const formats: readonly ImageFormat[] = ['raw', 'qcow2', 'vmdk', 'vdi', 'vhdx', 'vpc', 'parallels', 'qcow']
/** A slow disk brings up to 64 threads, which do nothing but read and write. */
const always: Limits = { addressSpaceBytes: 1024 ** 3, stackBytes: 2 * 1024 ** 2, coreBytes: 0 }
const infoLimits: Limits = { ...always, cpuSeconds: 2 }
const workLimits: Limits = { ...always, cpuSeconds: 600 }

/** Also of a file that a guest has open. */
export async function showImage(file: string, format: ImageFormat, options: ImageOptions = {}): Promise<ImageInfo> {
  const argv = ['info', '--output=json', '-U', '-f', imageFormat(format), '--', imageFile(file)]
  const stdout = await qemuImg(argv, { timeoutMs: 10_000, limits: infoLimits, ...options }, 1024 * 1024)
  return parseInfo(stdout)
}

export async function createImage(
  file: string,
  { format, size, ...options }: ImageOptions & { format: DiskFormat; size: number },
): Promise<void> {
  await qemuImg(['create', '-q', '-f', imageFormat(format), '--', imageFile(file), bytes(size)], options)
}

/** A qcow2 file that holds the differences to `backingFile`, of that one's size unless told. */
export async function createOverlay(
  file: string,
  options: ImageOptions & { backingFile: string; backingFormat: DiskFormat; size?: number },
): Promise<void> {
  const { backingFile, backingFormat, size, ...rest } = options
  const backing = ['-b', imageFile(backingFile), '-F', imageFormat(backingFormat)]
  const argv = ['create', '-q', '-f', 'qcow2', ...backing, '--', imageFile(file)]
  await qemuImg(size === undefined ? argv : [...argv, bytes(size)], rest)
}

/** To a larger size only; of a file that no guest has open (use QMP's `block_resize` there). */
export async function growImage(
  file: string,
  { format, size, ...options }: ImageOptions & { format: DiskFormat; size: number },
): Promise<void> {
  await qemuImg(['resize', '-q', '-f', imageFormat(format), '--', imageFile(file), bytes(size)], options)
}

export type ConvertOptions = ImageOptions & {
  from: ImageFormat
  to: ImageFormat
  isCompressed?: boolean
  /** Reads a qcow2 file without its backing file, whatever its header names: for files from outside. */
  isBackingless?: boolean
  /** The target is there, of the right size and all zeroes: so it can belong to another user already. */
  isFilled?: boolean
}

/** Writes a new, flat image; unless `isFilled` the target must not exist. */
export async function convertImage(source: string, target: string, options: ConvertOptions): Promise<void> {
  const { from, to, isCompressed = false, isBackingless = false, isFilled = false, ...rest } = options
  const node = { driver: imageFormat(from), file: { driver: 'file', filename: imageFile(source) } }
  const input = isBackingless && from === 'qcow2' ? `json:${JSON.stringify({ ...node, backing: null })}` : undefined
  const argv = [
    'convert',
    ...(isCompressed ? ['-c'] : []),
    ...(isFilled ? ['-n', '--target-is-zero'] : []),
    ...(input === undefined ? ['-f', imageFormat(from)] : []),
    '-O',
    imageFormat(to),
    '--',
    input ?? imageFile(source),
    imageFile(target),
  ]
  await qemuImg(argv, { timeoutMs: 30 * 60_000, ...rest })
}

export function parseInfo(json: string): ImageInfo {
  const raw = JSON.parse(json) as {
    format: string
    'virtual-size': number
    'actual-size'?: number
    'backing-filename'?: string
    'backing-filename-format'?: string
    encrypted?: boolean
    'format-specific'?: { data?: { 'data-file'?: string } }
  }
  return {
    format: raw.format,
    virtualSize: raw['virtual-size'],
    actualSize: raw['actual-size'] ?? 0,
    backingFile: raw['backing-filename'],
    backingFormat: raw['backing-filename-format'],
    dataFile: raw['format-specific']?.data?.['data-file'],
    isEncrypted: raw.encrypted ?? false,
  }
}

/**
 * glibc reserves 64 MiB of addresses for each of up to eight threads a core, whatever they use; how many of qemu-img's come
 * to that depends on the disk's speed, and with enough of them the next thread finds no place below the bound.
 */
const oneArena = { MALLOC_ARENA_MAX: '1' }

async function qemuImg(argv: readonly string[], options: ImageOptions, maxOutputBytes = 64 * 1024): Promise<string> {
  const { limits = workLimits, ...rest } = options
  const bounds = { ...workLimits, ...limits }
  const confined = { timeoutMs: 60_000, ...rest, limits: bounds, maxOutputBytes, withoutNetwork: true, env: oneArena }
  const { stdout } = await run(['qemu-img', ...argv], confined)
  return stdout
}

function imageFormat(format: string): string {
  const known: readonly string[] = formats
  if (!known.includes(format)) throw new TypeError(`${JSON.stringify(format)} is no image format`)
  return format
}

/** An absolute path is never taken for an option, nor for a protocol such as `nbd:`. */
function imageFile(text: string): string {
  return matching('image file', /^\/[^\0\n]*$/, text)
}

function bytes(size: number): string {
  return String(wholeNumber('size', size, 0))
}
