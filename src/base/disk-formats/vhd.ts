import { hasMagic, isZero, NOTHING, read, readEnd, viewOf } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

const FOOTER_BYTES = 512
const DYNAMIC_HEADER_BYTES = 1024
const FIXED = 2
const DYNAMIC = 3
const DIFFERENCING = 4
const COOKIE = 'conectix'

/** A dynamic VHD begins and ends with the same footer; a fixed one is a raw disk that has it only at the end. */
export function* probeVhd(found: Finding): Probe {
  if (hasMagic(yield read(0, 8), COOKIE)) {
    found.matched = true
    yield* checkDynamic(found)
  } else {
    const footer = yield readEnd(FOOTER_BYTES)
    if (!isFixedFooter(footer, found.fileSize ?? 0)) return
    found.matched = true
    found.alsoLooksLike = ['gpt']
    found.virtualSize = sizeOf(footer)
  }
}

function* checkDynamic(found: Finding): Probe {
  const footer = yield read(0, FOOTER_BYTES)
  if (footer.length < FOOTER_BYTES) return found.problem('truncated', 'whose header is cut short')
  found.virtualSize = sizeOf(footer)
  checkType(found, footer)

  const offset = viewOf(footer).getBigUint64(16)
  const header = offset <= BigInt(Number.MAX_SAFE_INTEGER) ? yield read(Number(offset), DYNAMIC_HEADER_BYTES) : NOTHING
  if (header.length < DYNAMIC_HEADER_BYTES) {
    found.problem('truncated', 'whose header is cut short')
  } else if (!hasMagic(header, 'cxsparse')) {
    found.problem('bad-header', 'with a header that is not understood')
  } else if (!isZero(header.subarray(40, 56)) || !isZero(header.subarray(64, 768))) {
    // Parent's id; parent's name and the eight places to look for it.
    found.problem('has-parent', 'with a parent image, which is not allowed')
  }

  const last = yield readEnd(FOOTER_BYTES)
  if (!hasMagic(last, COOKIE)) return
  checkType(found, last)
  if (last.length === FOOTER_BYTES && sizeOf(last) !== found.virtualSize) {
    found.problem('bad-header', 'whose footer differs from its header')
  }
}

function checkType(found: Finding, footer: Uint8Array): void {
  const type = footer.length === FOOTER_BYTES ? viewOf(footer).getUint32(60) : 0
  if (type === DIFFERENCING) found.problem('has-parent', 'with a parent image, which is not allowed')
  else if (type !== DYNAMIC) found.problem('bad-header', 'with a header that is not understood')
}

/** The larger of the two sizes a VHD tells, since QEMU goes by the geometry for some writers' images. */
function sizeOf(footer: Uint8Array): bigint {
  const fields = viewOf(footer)
  const byGeometry = BigInt(fields.getUint16(56) * fields.getUint8(58) * fields.getUint8(59)) * 512n
  const bySize = fields.getBigUint64(48)
  return byGeometry > bySize ? byGeometry : bySize
}

function isFixedFooter(footer: Uint8Array, fileSize: number): boolean {
  if (footer.length < FOOTER_BYTES || !hasMagic(footer, COOKIE)) return false
  const fields = viewOf(footer)
  return fields.getUint32(60) === FIXED && fields.getBigUint64(48) <= BigInt(fileSize - FOOTER_BYTES)
}
