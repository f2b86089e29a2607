import { hasMagic, read, readEnd, viewOf } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

const V2_HEADER_BYTES = 72
const V3_HEADER_BYTES = 104
const EXTERNAL_DATA_FILE = 1n << 2n
/** Dirty, corrupt, external data file, compression type. Glance refuses bit 4 (extended L2 entries), and so do we. */
const KNOWN_FEATURES = 0b1111n
const EXTENSION_END = 0
const EXTENSION_DATA_FILE = 0x44415441

export function* probeQcow2(found: Finding): Probe {
  if (!hasMagic(yield read(0, 4), 'QFI\xfb')) return
  found.matched = true
  const header = yield read(0, V2_HEADER_BYTES)
  if (header.length < 32) return found.problem('truncated', 'whose header is cut short')
  const fields = viewOf(header)
  found.virtualSize = fields.getBigUint64(24)
  if (fields.getBigUint64(8) !== 0n || fields.getUint32(16) !== 0) {
    found.problem('has-backing-file', 'with a backing file, which is not allowed')
  }
  const version = fields.getUint32(4)
  if (version !== 2 && version !== 3) return found.problem('unsupported-version', `of unsupported version ${version}`)
  if (header.length < V2_HEADER_BYTES) return found.problem('truncated', 'whose header is cut short')
  const clusterBits = fields.getUint32(20)
  if (clusterBits < 9 || clusterBits > 21) return found.problem('bad-header', 'with an impossible cluster size')

  let headerLength = V2_HEADER_BYTES
  if (version === 3) {
    const v3 = yield read(0, V3_HEADER_BYTES)
    if (v3.length < V3_HEADER_BYTES) return found.problem('truncated', 'whose header is cut short')
    const features = viewOf(v3).getBigUint64(72)
    if ((features & EXTERNAL_DATA_FILE) !== 0n) {
      found.problem('has-data-file', 'with an external data file, which is not allowed')
    }
    if ((features & ~KNOWN_FEATURES) !== 0n) found.problem('unknown-features', 'with unknown features')
    headerLength = viewOf(v3).getUint32(100)
    if (headerLength < V3_HEADER_BYTES || headerLength > 1 << clusterBits) {
      return found.problem('bad-header', 'with an impossible header length')
    }
  }
  yield* checkExtensions(found, headerLength, Math.min(1 << clusterBits, EXTENSIONS_LIMIT))

  yield readEnd(0)
  const l1End = fields.getBigUint64(40) + BigInt(fields.getUint32(36)) * 8n
  if (found.fileSize !== null && l1End > BigInt(found.fileSize)) found.problem('truncated', 'that is cut short')
}

/** Extensions beyond this are not walked: real ones end within a few hundred bytes of the header. */
const EXTENSIONS_LIMIT = 32 * 1024

function* checkExtensions(found: Finding, start: number, limit: number): Probe {
  let offset = start
  while (offset + 8 <= limit) {
    const extension = yield read(offset, 8)
    if (extension.length < 8) return
    const type = viewOf(extension).getUint32(0)
    const length = viewOf(extension).getUint32(4)
    if (type === EXTENSION_END) return
    if (type === EXTENSION_DATA_FILE) found.problem('has-data-file', 'with an external data file, which is not allowed')
    offset += 8 + Math.ceil(length / 8) * 8
  }
}
