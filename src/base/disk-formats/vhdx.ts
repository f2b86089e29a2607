import { hasMagic, isZero, read, viewOf } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

const KIB = 1024
const MIB = 1024 * KIB
const HEADERS = [64 * KIB, 128 * KIB]
const REGION_TABLES = [192 * KIB, 256 * KIB]
const TABLE_BYTES = 64 * KIB
const MAX_ENTRIES = 2047
const ENTRY_BYTES = 32

const BAT_REGION = '2dc27766-f623-4200-9d64-115e9bfd4a08'
const METADATA_REGION = '8b7ca206-4790-4b9a-b8fe-575f050f886e'
const FILE_PARAMETERS = 'caa16737-fa36-4d43-b3b6-33f0aa44e76b'
const VIRTUAL_DISK_SIZE = '2fa54224-cd1b-4876-b211-5dbed83bf4b8'
const PARENT_LOCATOR = 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c'
const HARMLESS_ITEMS = [
  'beca12ab-b2e6-4523-93ef-c309e000c746', // page 83 data
  '8141bf1d-a96f-4709-ba47-f233a8faab5f', // logical sector size
  'cda348c7-445d-4471-9cc9-e9885251c556', // physical sector size
]
const HAS_PARENT = 2

interface Entry {
  guid: string
  bytes: Uint8Array
}

export function* probeVhdx(found: Finding): Probe {
  if (!hasMagic(yield read(0, 8), 'vhdxfile')) return
  found.matched = true
  for (const offset of HEADERS) {
    const header = yield read(offset, 80)
    // A log waiting to be replayed can rewrite everything checked here when the image is opened.
    if (hasMagic(header, 'head') && !isZero(header.subarray(48, 64))) {
      found.problem('vhdx-dirty-log', 'with a log that was not replayed; repair it before uploading')
    }
  }
  const [first = 0, second = 0] = REGION_TABLES
  const table = yield read(first, TABLE_BYTES)
  const copy = yield read(second, TABLE_BYTES)
  if (table.length < TABLE_BYTES) return found.problem('truncated', 'whose header is cut short')
  const regions = entriesOf(table, 'regi', 16, viewOf(table).getUint32(8, true))
  if (regions === null) return found.problem('bad-header', 'with a header that is not understood')
  if (hasMagic(copy, 'regi') && Buffer.compare(table, copy) !== 0) {
    found.problem('bad-header', 'with two different region tables')
  }
  const metadata = regions.filter((region) => region.guid === METADATA_REGION)
  for (const region of regions) {
    const known = region.guid === METADATA_REGION || region.guid === BAT_REGION
    if (!known && (viewOf(region.bytes).getUint32(28, true) & 1) !== 0) {
      found.problem('unknown-features', 'with unknown features')
    }
  }
  const [only] = metadata
  const offset = only === undefined ? 0n : viewOf(only.bytes).getBigUint64(16, true)
  if (metadata.length !== 1 || offset < BigInt(MIB) || offset > BigInt(Number.MAX_SAFE_INTEGER)) {
    return found.problem('bad-header', 'with a header that is not understood')
  }
  yield* checkMetadata(found, Number(offset))
}

function* checkMetadata(found: Finding, start: number): Probe {
  const table = yield read(start, TABLE_BYTES)
  if (table.length < TABLE_BYTES) return found.problem('truncated', 'that is cut short')
  const items = entriesOf(table, 'metadata', 32, viewOf(table).getUint16(10, true))
  if (items === null) return found.problem('bad-header', 'with metadata that is not understood')

  const wanted: { guid: string; offset: number }[] = []
  for (const item of items) {
    const fields = viewOf(item.bytes)
    if (item.guid === PARENT_LOCATOR) {
      found.problem('has-parent', 'with a parent image, which is not allowed')
    } else if (item.guid === FILE_PARAMETERS || item.guid === VIRTUAL_DISK_SIZE) {
      wanted.push({ guid: item.guid, offset: fields.getUint32(16, true) })
    } else if (!HARMLESS_ITEMS.includes(item.guid) && (fields.getUint32(24, true) & 4) !== 0) {
      found.problem('unknown-features', 'with unknown features')
    }
  }
  const each = new Set(wanted.map((item) => item.guid))
  if (each.size !== 2 || wanted.length !== 2 || wanted.some((item) => item.offset < TABLE_BYTES)) {
    return found.problem('bad-header', 'with metadata that is not understood')
  }
  for (const item of wanted.sort((a, b) => a.offset - b.offset)) {
    const value = yield read(start + item.offset, 8)
    if (value.length < 8) return found.problem('truncated', 'that is cut short')
    if (item.guid === VIRTUAL_DISK_SIZE) found.virtualSize = viewOf(value).getBigUint64(0, true)
    else if ((viewOf(value).getUint32(4, true) & HAS_PARENT) !== 0) {
      found.problem('has-parent', 'with a parent image, which is not allowed')
    }
  }
}

function entriesOf(table: Uint8Array, magic: string, start: number, count: number): Entry[] | null {
  if (!hasMagic(table, magic) || count > MAX_ENTRIES) return null
  return Array.from({ length: count }, (_, index) => {
    const bytes = table.subarray(start + index * ENTRY_BYTES, start + (index + 1) * ENTRY_BYTES)
    return { guid: guidOf(bytes), bytes }
  }).filter((entry) => entry.bytes.length === ENTRY_BYTES)
}

/** Microsoft's order: the first three groups are little-endian numbers. */
function guidOf(bytes: Uint8Array): string {
  const hex = (...at: number[]): string => at.map((index) => (bytes[index] ?? 0).toString(16).padStart(2, '0')).join('')
  return `${hex(3, 2, 1, 0)}-${hex(5, 4)}-${hex(7, 6)}-${hex(8, 9)}-${hex(10, 11, 12, 13, 14, 15)}`
}
