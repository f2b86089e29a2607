import { latin1, read, readEnd, viewOf } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

const FIRST_DESCRIPTOR = 32 * 1024
const DESCRIPTOR_BYTES = 2048
const MAX_DESCRIPTORS = 16
const PRIMARY = 1
const STANDARDS = ['CD001', 'BEA01', 'NSR02', 'NSR03']

/** ISO 9660 and UDF. */
export function* probeIso(found: Finding): Probe {
  for (let index = 0; index < MAX_DESCRIPTORS; index++) {
    const descriptor = yield read(FIRST_DESCRIPTOR + index * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES)
    if (!STANDARDS.includes(latin1(descriptor, 1, 6))) break
    found.matched = true
    found.alsoLooksLike = ['gpt']
    if (descriptor.length < DESCRIPTOR_BYTES) return found.problem('truncated', 'that is cut short')
    if (descriptor[0] === PRIMARY && latin1(descriptor, 1, 6) === 'CD001') {
      const fields = viewOf(descriptor)
      found.virtualSize = BigInt(fields.getUint32(80, true)) * BigInt(fields.getUint16(128, true))
      return
    }
  }
  if (!found.matched) return
  yield readEnd(0)
  if (found.fileSize !== null) found.virtualSize = BigInt(found.fileSize)
}
