import { hasMagic, read, readEnd, viewOf } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

const HEADER_BYTES = 592

/** LUKS 1, as glance and QEMU; what is inside stays unseen, since it takes the passphrase. */
export function* probeLuks(found: Finding): Probe {
  if (!hasMagic(yield read(0, 6), 'LUKS\xba\xbe')) return
  found.matched = true
  const header = yield read(0, HEADER_BYTES)
  if (header.length < HEADER_BYTES) return found.problem('truncated', 'whose header is cut short')
  const version = viewOf(header).getUint16(6)
  if (version !== 1) return found.problem('unsupported-version', `of unsupported version ${version}`)
  const payload = viewOf(header).getUint32(104) * 512
  yield readEnd(0)
  if (found.fileSize === null) return
  if (payload > found.fileSize) found.problem('truncated', 'that is cut short')
  else found.virtualSize = BigInt(found.fileSize - payload)
}
