import { latin1, read, viewOf } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

const OLD_MAGIC = 'WithoutFreeSpace'
const MAGIC = 'WithouFreSpacExt'
const HEADER_BYTES = 64

/** Parallels' format. Its snapshots live in a DiskDescriptor.xml beside the file, so one file cannot name another. */
export function* probePloop(found: Finding): Probe {
  const magic = latin1(yield read(0, 16))
  if (magic !== OLD_MAGIC && magic !== MAGIC) return
  found.matched = true
  const header = yield read(0, HEADER_BYTES)
  if (header.length < HEADER_BYTES) return found.problem('truncated', 'whose header is cut short')
  const fields = viewOf(header)
  const version = fields.getUint32(16, true)
  if (version !== 2) found.problem('unsupported-version', `of unsupported version ${version}`)
  // The old variant has only the low half, whatever the high half says.
  const sectors = magic === MAGIC ? fields.getBigUint64(36, true) : BigInt(fields.getUint32(36, true))
  found.virtualSize = sectors * 512n
}
