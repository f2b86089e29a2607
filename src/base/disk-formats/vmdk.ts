import { HEAD_BYTES, isZero, latin1, read, readEnd, TAIL_BYTES, viewOf } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

const SECTOR = 512
const MAX_DESCRIPTOR_BYTES = (1 << 20) - 1
/** QEMU looks for the parent's name in this many bytes, whatever length the header gives the descriptor. */
const QEMU_PARENT_SEARCH_BYTES = 20 * SECTOR
const GRAIN_DIRECTORY_AT_END = 0xffff_ffff_ffff_ffffn
const FOOTER_MARKER = 3
const ALLOWED_TYPES = ['monolithicsparse', 'streamoptimized']

export function* probeVmdk(found: Finding): Probe {
  const magic = latin1(yield read(0, 4))
  if (magic === 'KDMV') {
    found.matched = true
    yield* checkSparse(found)
  } else if (magic === 'COWD') {
    found.matched = true
    found.problem('vmdk-type-not-allowed', 'of a type that is not allowed (ESX sparse extent)')
  } else if (isDescriptor(latin1(yield read(0, HEAD_BYTES)))) {
    // A bare descriptor holds no data: all it can do is name other files. CVE-2022-47951.
    found.matched = true
    found.problem('vmdk-type-not-allowed', 'of a type that is not allowed (descriptor without data)')
  }
}

/** True where QEMU would probe a VMDK descriptor (first line that says something is the version), or glance would. */
function isDescriptor(text: string): boolean {
  const lead = text.slice(0, SECTOR)
  const nul = lead.indexOf('\0')
  if (/^\s*#\s*disk descriptorfile/i.test(lead)) return true
  const firstWord = text.split('\n').find((line) => !/^\s*(?:#|$)/.test(line))
  if (firstWord?.startsWith('version=')) return true
  const isText = nul !== 0 && /^[\s\x20-\x7e]*$/.test(nul < 0 ? lead : lead.slice(0, nul))
  return isText && /createtype\s*=/i.test(text.split('\0', 1)[0] ?? '')
}

function* checkSparse(found: Finding): Probe {
  const header = yield read(0, SECTOR)
  if (header.length < SECTOR) return found.problem('truncated', 'whose header is cut short')
  const fields = viewOf(header)
  const version = fields.getUint32(4, true)
  if (version < 1 || version > 3) return found.problem('unsupported-version', `of unsupported version ${version}`)
  const capacity = fields.getBigUint64(12, true)
  found.virtualSize = capacity * BigInt(SECTOR)
  if (capacity === 0n) {
    // QEMU takes an empty sparse extent for a descriptor file, and opens the extents it names.
    found.problem('vmdk-extent-outside', 'with extents outside the image, which is not allowed')
  }
  const descriptorSectors = fields.getBigUint64(36, true)
  if (fields.getBigUint64(28, true) !== 1n || descriptorSectors === 0n) {
    return found.problem('vmdk-type-not-allowed', 'of a type that is not allowed (no descriptor in its place)')
  }
  if (descriptorSectors * BigInt(SECTOR) > BigInt(MAX_DESCRIPTOR_BYTES)) {
    return found.problem('bad-header', 'with an oversized descriptor')
  }
  const length = Number(descriptorSectors) * SECTOR
  const descriptor = yield read(SECTOR, Math.max(length, QEMU_PARENT_SEARCH_BYTES))
  if (descriptor.length < length) return found.problem('truncated', 'whose descriptor is cut short')
  const text = latin1(descriptor).split('\0', 1)[0] ?? ''
  if (/parentfilenamehint/i.test(text)) found.problem('has-parent', 'with a parent image, which is not allowed')
  checkDescriptor(found, text.slice(0, length))

  if (fields.getBigUint64(56, true) === GRAIN_DIRECTORY_AT_END) {
    checkFooter(found, header, yield readEnd(TAIL_BYTES))
  }
}

/** Every line must be one we understand: what we skip, another reader may follow. */
function checkDescriptor(found: Finding, text: string): void {
  const types: string[] = []
  const extents: string[] = []
  for (const raw of text.split(/[\r\n]+/)) {
    const line = raw.trim().toLowerCase()
    if (line === '' || line.startsWith('#') || line.startsWith('ddb.')) continue
    const assignment = /^(\w+)\s*=\s*(.*)$/.exec(line)
    if (assignment) {
      const [, name, value = ''] = assignment
      if (name === 'createtype') types.push(value.replaceAll('"', '').trim())
      if (name === 'parentcid' && !/^"?f{8}"?$/.test(value)) {
        found.problem('has-parent', 'with a parent image, which is not allowed')
      }
    } else if (/^(?:rw|rdonly|noaccess)\s/.test(line)) {
      extents.push(line)
    } else {
      found.problem('bad-header', 'with a descriptor that is not understood')
    }
  }
  const [type = 'none'] = types
  if (types.length !== 1 || !ALLOWED_TYPES.includes(type)) {
    const name = /^[a-z0-9]{1,32}$/.test(type) ? type : 'unknown'
    found.problem('vmdk-type-not-allowed', `of a type that is not allowed (${name})`)
  }
  const [extent = ''] = extents
  if (extents.length !== 1 || !/^(?:rw|rdonly)\s+\d+\s+sparse\s+"[^"/\\]+"$/.test(extent)) {
    found.problem('vmdk-extent-outside', 'with extents outside the image, which is not allowed')
  }
}

/** A stream-optimized image ends in a second header which overrules the first: it must not tell another story. */
function checkFooter(found: Finding, header: Uint8Array, tail: Uint8Array): void {
  if (tail.length < TAIL_BYTES) return found.problem('truncated', 'whose footer is cut short')
  const footer = tail.subarray(SECTOR, 2 * SECTOR)
  const sameStory =
    sameBytes(header.subarray(0, 8), footer.subarray(0, 8)) &&
    sameBytes(header.subarray(12, 48), footer.subarray(12, 48))
  const pointsAtGrains = viewOf(footer).getBigUint64(56, true) !== GRAIN_DIRECTORY_AT_END
  const footerMarker = viewOf(tail).getUint32(12, true) === FOOTER_MARKER && viewOf(tail).getUint32(8, true) === 0
  const padded = isZero(tail.subarray(16, SECTOR))
  if (!sameStory || !pointsAtGrains || !footerMarker || !padded || !isZero(tail.subarray(2 * SECTOR))) {
    found.problem('vmdk-bad-footer', 'whose footer is missing or differs from its header')
  }
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
