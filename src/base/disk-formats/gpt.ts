import { read, readEnd, viewOf } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

const FIRST_ENTRY = 446
const ENTRY_BYTES = 16
const PROTECTIVE = 0xee

/** A whole disk: a boot sector with a partition table, MBR or the protective one of a GPT. */
export function* probeGpt(found: Finding): Probe {
  const sector = yield read(0, 512)
  if (sector.length < 512 || viewOf(sector).getUint16(510, true) !== 0xaa55 || isFat(sector)) return
  found.matched = true
  checkEntries(found, sector)
  yield readEnd(0)
  if (found.fileSize !== null) found.virtualSize = BigInt(found.fileSize)
}

/** A FAT file system has the boot sector's signature but no partition table: two FATs, on a fixed disk. */
function isFat(sector: Uint8Array): boolean {
  return sector[0x10] === 2 && sector[0x15] === 0xf8
}

/** Glance's rules: what the GPT standard asks of the protective MBR, nothing of the GPT itself. */
function checkEntries(found: Finding, sector: Uint8Array): void {
  const used: number[] = []
  let isGpt = false
  for (let index = 0; index < 4; index++) {
    const start = FIRST_ENTRY + index * ENTRY_BYTES
    const entry = viewOf(sector.subarray(start, start + ENTRY_BYTES))
    const bootFlag = entry.getUint8(0)
    if (bootFlag !== 0 && bootFlag !== 0x80) found.problem('bad-mbr', 'with an invalid boot flag in its MBR')
    const type = entry.getUint8(4)
    if (type !== 0) used.push(index)
    if (type !== PROTECTIVE) continue
    isGpt = true
    const startsAtSectorOne = entry.getUint32(0) % 0x1000000 === 0x000200 && entry.getUint32(8, true) === 1
    if (!startsAtSectorOne) found.problem('bad-mbr', 'with a protective MBR that does not start at sector 1')
  }
  if (used.length === 0) found.problem('bad-mbr', 'with an MBR that defines no partitions')
  if (isGpt && (used.length > 1 || used[0] !== 0)) {
    found.problem('bad-mbr', 'with extra partitions in its protective MBR')
  }
}
