import { isZero, read, readEnd, viewOf } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

const SIGNATURE = 0xbeda107f
const HEADER_BYTES = 512
const DYNAMIC = 1
const FIXED = 2

export function* probeVdi(found: Finding): Probe {
  const signature = yield read(0x40, 4)
  if (signature.length < 4 || viewOf(signature).getUint32(0, true) !== SIGNATURE) return
  found.matched = true
  const header = yield read(0, HEADER_BYTES)
  if (header.length < HEADER_BYTES) return found.problem('truncated', 'whose header is cut short')
  const fields = viewOf(header)
  found.virtualSize = fields.getBigUint64(0x170, true)
  const version = fields.getUint32(0x44, true)
  if (version !== 0x10001) found.problem('unsupported-version', `of unsupported version ${version}`)
  const type = fields.getUint32(0x4c, true)
  const parents = header.subarray(0x1a8, 0x1c8)
  if ((type !== DYNAMIC && type !== FIXED) || !isZero(parents)) {
    found.problem('has-parent', 'with a parent image, which is not allowed')
  }
  yield readEnd(0)
  if (found.fileSize !== null && fields.getUint32(0x158, true) > found.fileSize) {
    found.problem('truncated', 'that is cut short')
  }
}
