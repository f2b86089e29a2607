/** Turns image files into other formats, in a box: bounded memory, time and output, no network. */
import { createReadStream, createWriteStream } from 'node:fs'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { run } from '../../../host/command.ts'
import { convertImage, showImage, type ImageFormat } from '../../../host/qemu-img.ts'

export interface ImageConverter {
  /** Writes `target`, which must not exist. `from` and `to` are disk_format values. */
  convert(source: string, target: string, options: { from: string; to: string; signal: AbortSignal }): Promise<void>
  /** Bytes of the disk inside. */
  virtualSize(file: string, format: string): Promise<number>
  /** Unpacks a gzip, zip or bzip2... file; false where it is none. Rejects when it grows over `maxBytes`. */
  decompress(source: string, target: string, options: { maxBytes: number; signal: AbortSignal }): Promise<boolean>
}

/** qemu-img's names of the formats that it can read safely. */
const formats: Record<string, ImageFormat> = {
  raw: 'raw',
  gpt: 'raw',
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vdi: 'vdi',
  vhd: 'vpc',
  vhdx: 'vhdx',
}

function formatOf(name: string): ImageFormat {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined
  if (!format) throw new Error(`images of format ${name} cannot be converted`)
  return format
}

/** With qemu-img and zlib. */
export const qemuImgConverter: ImageConverter = {
  async convert(source, target, { from, to, signal }) {
    await convertImage(source, target, { from: formatOf(from), to: formatOf(to), isBackingless: true, signal })
  },
  async virtualSize(file, format) {
    return (await showImage(file, formatOf(format))).virtualSize
  },
  async decompress(source, target, { maxBytes, signal }) {
    const head = await firstBytes(source)
    const isGzip = head[0] === 0x1f && head[1] === 0x8b
    const isZip = head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4
    const isLha = head[2] === 0x2d && head[3] === 0x6c && head[4] === 0x68
    if (isLha) throw new Error('lha archives cannot be unpacked here')
    if (isZip) {
      await unzip(source, target, maxBytes, signal)
      return true
    }
    if (!isGzip) return false
    await pipeline(
      createReadStream(source),
      createGunzip(),
      bounded(maxBytes),
      createWriteStream(target, { mode: 0o600 }),
      {
        signal,
      },
    )
    return true
  },
}

async function firstBytes(file: string): Promise<Buffer> {
  for await (const chunk of createReadStream(file, { end: 15 }) as AsyncIterable<Buffer>) return chunk
  return Buffer.alloc(0)
}

const bounded = (maxBytes: number) => {
  let size = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      done(size > maxBytes ? new Error(`it unpacks to more than ${maxBytes} bytes`) : null, chunk)
    },
  })
}

/** An archive of exactly one file, by Python's zipfile module: nothing of its names becomes a path. */
async function unzip(source: string, target: string, maxBytes: number, signal: AbortSignal) {
  const program = [
    'import sys, zipfile, shutil',
    'z = zipfile.ZipFile(sys.argv[1])',
    'files = [i for i in z.infolist() if not i.is_dir()]',
    "assert len(files) == 1, 'the archive has %d files and not one' % len(files)",
    "assert files[0].file_size <= int(sys.argv[3]), 'it unpacks to too many bytes'",
    "shutil.copyfileobj(z.open(files[0]), open(sys.argv[2], 'xb'), 1 << 20)",
  ].join('\n')
  await run(['python3', '-I', '-c', program, source, target, String(maxBytes)], {
    timeoutMs: 30 * 60_000,
    withoutNetwork: true,
    limits: { addressSpaceBytes: 1024 ** 3, fileSizeBytes: maxBytes, coreBytes: 0 },
    signal,
  })
}
