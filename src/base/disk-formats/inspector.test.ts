import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkDeclared } from './check-declared.ts'
import { DiskInspector } from './inspector.ts'
import type { DiskReport } from './inspector.ts'
import type { DiskProblemCode } from './probe.ts'
import * as make from './fixtures.ts'
import { big, disk, image, iso, little, luks, ploop, qcow2, streamOptimized, vdi, vhd, vhdx, vmdk } from './fixtures.ts'

function inspect(bytes: Uint8Array, chunkSize = 65536): DiskReport {
  const inspector = new DiskInspector()
  for (let at = 0; at < bytes.length; at += chunkSize) inspector.write(bytes.subarray(at, at + chunkSize))
  return inspector.end()
}

function descriptor(from: string | RegExp, to: string): Uint8Array {
  return vmdk(make.DESCRIPTOR.replace(from, to))
}

const MIB = 1 << 20

const CLEAN: Record<string, [bytes: Uint8Array, format: string, virtualSize: number]> = {
  'nothing at all': [image(0), 'raw', 0],
  'some zeros': [image(5000), 'raw', 5000],
  'a FAT file system': [disk(0x83, [0x10, '\x02'], [0x15, '\xf8']), 'raw', 4096],
  'a disk with an MBR': [disk(), 'gpt', 4096],
  'a disk with a GPT': [disk(0xee), 'gpt', 4096],
  'qcow2 version 3': [qcow2(), 'qcow2', MIB],
  'qcow2 version 2': [qcow2([4, big(4, 2)], [100, big(4, 0)]), 'qcow2', MIB],
  'qcow2 that is dirty, corrupt and zstd': [qcow2([72, big(8, 0b1011)]), 'qcow2', MIB],
  'monolithicSparse vmdk': [vmdk(), 'vmdk', MIB],
  'streamOptimized vmdk': [streamOptimized(), 'vmdk', MIB],
  vdi: [vdi(), 'vdi', MIB],
  'dynamic vhd': [vhd(), 'vhd', MIB],
  'fixed vhd': [image(4608, [4096, make.vhdFooter(2, 4096)]), 'vhd', 4096],
  vhdx: [vhdx(), 'vhdx', MIB],
  iso: [iso(), 'iso', 204800],
  'UDF without ISO 9660': [image(65536, [32768, '\0BEA01'], [34816, '\0NSR03']), 'iso', 65536],
  luks: [luks(), 'luks', 2048],
  ploop: [ploop(), 'ploop', MIB],
}

for (const [name, [bytes, format, virtualSize]] of Object.entries(CLEAN)) {
  test(`${name} is recognised as ${format}`, () => {
    const report = inspect(bytes)
    assert.deepEqual(report, { format, formats: [format], virtualSize, fileSize: bytes.length, problems: [] })
    assert.deepEqual(checkDeclared(report, format), { ok: true })
  })
}

const cow = qcow2()
const TRICKS: [name: string, bytes: Uint8Array, ...codes: DiskProblemCode[]][] = [
  ['qcow2 backing file', qcow2([8, big(8, 500)], [16, big(4, 11)], [500, '/etc/shadow']), 'has-backing-file'],
  ['qcow2 backing file in the high half of the offset', qcow2([8, big(8, 1n << 40n)]), 'has-backing-file'],
  ['qcow2 version 2 backing file', qcow2([4, big(4, 2)], [8, big(8, 500)]), 'has-backing-file'],
  ['qcow2 version 1 backing file', qcow2([4, big(4, 1)], [8, big(8, 500)]), 'has-backing-file', 'unsupported-version'],
  ['qcow2 data file', qcow2([72, big(8, 4)]), 'has-data-file'],
  ['qcow2 data file by extension', qcow2([104, '\0\0\0\x01\0\0\0\x01x'], [120, 'DATA\0\0\0\x01x']), 'has-data-file'],
  ['qcow2 unknown feature, lowest', qcow2([72, big(8, 1 << 4)]), 'unknown-features'],
  ['qcow2 unknown feature, highest', qcow2([72, big(8, 1n << 63n)]), 'unknown-features'],
  ['qcow2 version 4', qcow2([4, big(4, 4)]), 'unsupported-version'],
  ['qcow2 impossible clusters', qcow2([20, big(4, 40)]), 'bad-header'],
  ['qcow2 impossible header length', qcow2([100, big(4, 0xffffffff)]), 'bad-header'],
  ['qcow2 of 8 EiB', qcow2([24, big(8, 1n << 63n)]), 'size-out-of-range'],
  ['qcow2 of 100 bytes and 8 EiB', qcow2([24, big(8, 1n << 63n)]).subarray(0, 100), 'truncated', 'size-out-of-range'],
  ['qcow2 of 8 bytes', cow.subarray(0, 8), 'truncated'],
  ['qcow2 without its L1 table', cow.subarray(0, 300), 'truncated'],
  ['qcow2 L1 table that overflows', qcow2([40, big(8, (1n << 64n) - 1n)]), 'truncated'],
  ['vmdk bare descriptor', image(1024, [0, make.DESCRIPTOR]), 'vmdk-type-not-allowed'],
  ['vmdk bare descriptor without title', image(99, [0, 'x\ncreateType="monolithicFlat"\n']), 'vmdk-type-not-allowed'],
  ['vmdk bare descriptor as QEMU probes it', image(99, [0, '#x\n  \r\nversion=1\n']), 'vmdk-type-not-allowed'],
  ['vmdk ESX sparse', image(4096, [0, 'COWD']), 'vmdk-type-not-allowed'],
  ['vmdk monolithicFlat', descriptor('monolithicSparse', 'monolithicFlat'), 'vmdk-type-not-allowed'],
  ['vmdk without a type', descriptor(/createType.*/, ''), 'vmdk-type-not-allowed'],
  ['vmdk with two types', descriptor('version=1', 'createType="vmfs"'), 'vmdk-type-not-allowed'],
  ['vmdk descriptor elsewhere', vmdk(undefined, [28, little(8, 2)]), 'vmdk-type-not-allowed'],
  ['vmdk flat extent', descriptor(/RW.*/, 'RW 2048 FLAT "/etc/shadow" 0'), 'vmdk-extent-outside'],
  ['vmdk extent with a path', descriptor('disk.vmdk', '../other.vmdk'), 'vmdk-extent-outside'],
  ['vmdk second extent', descriptor(/RW.*/, 'RW 1 SPARSE "a"\nRW 1 SPARSE "b"'), 'vmdk-extent-outside'],
  ['vmdk without extents', descriptor(/RW.*/, ''), 'vmdk-extent-outside'],
  ['vmdk empty sparse header', vmdk(undefined, [12, little(8, 0)]), 'vmdk-extent-outside'],
  ['vmdk parent', descriptor('version=1', 'parentFileNameHint="/etc/shadow"'), 'has-parent'],
  ['vmdk parent id', descriptor('parentCID=ffffffff', 'parentCID=12345678'), 'has-parent'],
  [
    'vmdk parent behind the descriptor',
    vmdk(make.DESCRIPTOR.padEnd(512, '#'), [36, little(8, 1)], [1024, '\nparentFileNameHint="/x"']),
    'has-parent',
  ],
  ['vmdk strange line', descriptor('version=1', 'include /etc/shadow'), 'bad-header'],
  ['vmdk huge descriptor', vmdk(undefined, [36, little(8, 1n << 60n)]), 'bad-header'],
  ['vmdk version 9', vmdk(undefined, [4, little(4, 9)]), 'unsupported-version'],
  ['vmdk cut short', vmdk().subarray(0, 700), 'truncated'],
  ['vmdk of 8 ZiB', vmdk(undefined, [12, little(8, (1n << 64n) - 1n)]), 'size-out-of-range'],
  ['vmdk footer with another descriptor', streamOptimized([512 + 28, little(8, 9)]), 'vmdk-bad-footer'],
  ['vmdk footer that points at a footer', streamOptimized([568, little(8, (1n << 64n) - 1n)]), 'vmdk-bad-footer'],
  ['vmdk footer missing', streamOptimized([12, little(4, 0)]), 'vmdk-bad-footer'],
  ['vmdk end of stream missing', streamOptimized([1030, 'x']), 'vmdk-bad-footer'],
  ['vdi differencing', vdi([0x4c, little(4, 4)]), 'has-parent'],
  ['vdi parent id', vdi([0x1b8, 'x']), 'has-parent'],
  ['vdi version', vdi([0x44, little(4, 2)]), 'unsupported-version'],
  ['vdi cut short', vdi().subarray(0, 600), 'truncated'],
  ['vdi of 16 EiB', vdi([0x170, little(8, (1n << 64n) - 1n)]), 'size-out-of-range'],
  ['vhd differencing', vhd([60, big(4, 4)]), 'has-parent'],
  ['vhd differencing by its last footer', vhd([3584 + 60, big(4, 4)]), 'has-parent'],
  ['vhd parent name', vhd([512 + 64, '\0x']), 'has-parent'],
  ['vhd parent locator', vhd([512 + 576, 'W2ku']), 'has-parent'],
  ['vhd two sizes', vhd([3584 + 48, big(8, 9)]), 'bad-header'],
  ['vhd header nowhere', vhd([16, big(8, (1n << 64n) - 1n)]), 'truncated'],
  ['vhdx parent flag', vhdx([MIB + 65536 + 4, little(4, 2)]), 'has-parent'],
  [
    'vhdx parent locator',
    vhdx([MIB + 10, little(2, 3)], [MIB + 96, make.VHDX_PARENT_LOCATOR], [MIB + 120, little(4, 4)]),
    'has-parent',
  ],
  [
    'vhdx unknown required item',
    vhdx([MIB + 10, little(2, 3)], [MIB + 96, make.VHDX_UNKNOWN], [MIB + 120, little(4, 4)]),
    'unknown-features',
  ],
  ['vhdx log to replay', vhdx([65536 + 48, 'x']), 'vhdx-dirty-log'],
  ['vhdx two region tables', vhdx([262144 + 32, little(8, 2 * MIB)]), 'bad-header'],
  ['vhdx too many regions', vhdx([196616, little(4, 0xffffffff)]), 'bad-header'],
  ['vhdx metadata behind us', vhdx([196640, little(8, 4096)], [262176, little(8, 4096)]), 'bad-header'],
  ['vhdx cut short', vhdx().subarray(0, MIB), 'truncated'],
  ['vhdx of 16 EiB', vhdx([MIB + 65544, little(8, (1n << 64n) - 1n)]), 'size-out-of-range'],
  ['luks version 2', luks([6, big(2, 2)]), 'unsupported-version'],
  ['luks cut short', luks([104, big(4, 4096)]), 'truncated'],
  ['qed', image(4096, [0, 'QED\0']), 'format-not-allowed'],
  ['ploop version', ploop([16, little(4, 3)]), 'unsupported-version'],
  ['MBR without partitions', disk(0), 'bad-mbr'],
  ['MBR with a strange boot flag', disk(0x83, [446, 'x']), 'bad-mbr'],
  ['GPT that starts elsewhere', disk(0xee, [454, little(4, 2)]), 'bad-mbr'],
  ['GPT with another partition', disk(0xee, [446 + 20, '\x83']), 'bad-mbr'],
  ['qcow2 and iso', Buffer.concat([cow, iso().subarray(cow.length)]), 'several-formats'],
  ['vdi inside a qcow2 header', qcow2([0x40, vdi().subarray(0x40, 0x48)]), 'several-formats'],
  ['qcow2 with a boot sector', qcow2([510, '\x55\xaa'], [446 + 4, '\x83']), 'several-formats'],
  ['qcow2 with a VHD footer', Buffer.concat([qcow2(), make.vhdFooter(2, 1024)]), 'several-formats'],
]

for (const [name, bytes, ...codes] of TRICKS) {
  test(`${name}: ${codes.join(', ')}`, () => {
    const report = inspect(bytes)
    const found = report.problems.map((problem) => problem.code)
    if (codes[0] === 'several-formats') assert.equal(found[0], 'several-formats')
    else assert.deepEqual(found, codes)
    for (const declared of ['raw', 'qcow2', 'vmdk', 'vdi', 'vhd', 'vhdx', 'iso', 'gpt', 'luks', 'ploop']) {
      assert.equal(checkDeclared(report, declared).ok, false, declared)
      assert.equal(checkDeclared(report, declared, { lenientRaw: true }).ok, false, declared)
    }
  })
}

test('an impossible size is told exactly, and never as a number that was rounded', () => {
  const report = inspect(qcow2([24, big(8, (1n << 63n) + 1n)]))
  assert.equal(report.virtualSize, null)
  assert.match(report.problems[0]?.message ?? '', /9223372036854775809 bytes/)
})

const everything: [string, Uint8Array][] = [
  ...Object.entries(CLEAN).map(([name, [bytes]]): [string, Uint8Array] => [name, bytes]),
  ...TRICKS.map(([name, bytes]): [string, Uint8Array] => [name, bytes]),
]

test('the report is the same in chunks of 1, 7, 512 and 65536 bytes', () => {
  for (const [name, bytes] of everything) {
    const whole = inspect(bytes, Math.max(1, bytes.length))
    const sizes = bytes.length > MIB ? [513, 65536] : [1, 7, 512, 65536]
    for (const size of sizes) assert.deepEqual(inspect(bytes, size), whole, `${name} by ${size}`)
  }
})

test('the report is the same for any chunking, and neither damage nor cutting makes it throw', () => {
  const damage = fc.array(fc.tuple(fc.nat(1200), fc.nat(255)), { maxLength: 8 })
  fc.assert(
    fc.property(
      fc.constantFrom(...everything.map(([, bytes]) => bytes)),
      damage,
      fc.nat(5000),
      fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      (original, changes, cut, sizes, cutting) => {
        const bytes = Uint8Array.from(cutting ? original.subarray(0, cut) : original)
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        const inspector = new DiskInspector()
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1
          // The chunk is overwritten afterwards: the inspector must not hold on to it.
          const chunk = bytes.slice(at, at + size)
          inspector.write(chunk)
          chunk.fill(0xff)
          at += size
        }
        assert.deepEqual(inspector.end(), inspect(bytes, Math.max(1, bytes.length)))
      },
    ),
    { numRuns: 400 },
  )
})

test('random bytes never throw', () => {
  const magic = fc.constantFrom('', 'QFI\xfb', 'KDMV', 'vhdxfile', 'conectix', 'LUKS\xba\xbe', 'WithoutFreeSpace', '#')
  fc.assert(
    fc.property(magic, fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 1, max: 999 }), (start, rest, size) => {
      const bytes = Buffer.concat([Buffer.from(start, 'latin1'), rest])
      const report = inspect(bytes, size)
      assert.equal(report.fileSize, bytes.length)
      assert.deepEqual(report, inspect(bytes, bytes.length + 1))
    }),
    { numRuns: 500 },
  )
})

test('a hostile text of many lines is read in linear time', () => {
  const started = performance.now()
  inspect(Buffer.from('#\r\n'.repeat(100_000)))
  inspect(vmdk('a '.repeat(500_000), [36, little(8, 2047)]))
  assert.ok(performance.now() - started < 1000)
})

test('memory does not grow with the image', () => {
  const inspector = new DiskInspector()
  const chunk = new Uint8Array(MIB)
  const before = process.memoryUsage().arrayBuffers
  for (let turn = 0; turn < 2048; turn++) inspector.write(chunk)
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * MIB)
  assert.equal(inspector.end().virtualSize, 2048 * MIB)
})

test('bytes after the end are a mistake of the caller', () => {
  const inspector = new DiskInspector()
  inspector.end()
  assert.throws(() => inspector.write(new Uint8Array(1)), /after the end/)
})
