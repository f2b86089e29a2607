import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDeclared, checkSoFar } from './check-declared.ts'
import { big, disk, image, iso, qcow2, vhdFooter, vmdk } from './fixtures.ts'
import { DiskInspector } from './inspector.ts'

function begun(bytes: Uint8Array): DiskInspector {
  const inspector = new DiskInspector()
  inspector.write(bytes)
  return inspector
}

const reportOn = (bytes: Uint8Array) => begun(bytes).end()
const bootableIso = iso([446 + 4, '\x17'], [446, 'x'], [510, '\x55\xaa'])

test('a declared format that is not there is refused with both names', () => {
  assert.deepEqual(checkDeclared(reportOn(image(4096)), 'qcow2'), {
    ok: false,
    reason: 'Image content does not match disk_format: declared qcow2, found raw',
  })
})

test('a qcow2 with a backing file is refused in words for the user', () => {
  assert.deepEqual(checkDeclared(reportOn(qcow2([8, big(8, 500)])), 'qcow2'), {
    ok: false,
    reason: 'Image is qcow2 with a backing file, which is not allowed',
  })
})

test('raw may hold a partition table and nothing else that has a format', () => {
  assert.deepEqual(checkDeclared(reportOn(disk(0xee)), 'raw'), { ok: true })
  for (const bytes of [qcow2(), vmdk(), iso(), bootableIso]) {
    assert.equal(checkDeclared(reportOn(bytes), 'raw').ok, false)
    assert.equal(checkDeclared(reportOn(bytes), 'raw', { lenientRaw: true }).ok, true)
  }
})

test('an ISO that boots as a disk is an ISO, whatever its MBR is like', () => {
  const report = reportOn(bootableIso)
  assert.deepEqual(report.formats, ['iso', 'gpt'])
  assert.deepEqual(checkDeclared(report, 'iso'), { ok: true })
  assert.equal(checkDeclared(report, 'gpt').ok, false)
})

test('a fixed VHD begins with a partition table and is a VHD', () => {
  const report = reportOn(Buffer.concat([disk(), vhdFooter(2, 4096)]))
  assert.deepEqual(report.formats, ['vhd', 'gpt'])
  assert.deepEqual(checkDeclared(report, 'vhd'), { ok: true })
  assert.equal(checkDeclared(report, 'raw').ok, false)
})

test('a bad MBR can be let pass, as glance can', () => {
  const report = reportOn(disk(0))
  assert.equal(checkDeclared(report, 'raw').ok, false)
  assert.deepEqual(checkDeclared(report, 'raw', { ignore: ['bad-mbr'] }), { ok: true })
})

test("Amazon's pieces have no format, and may not smuggle one", () => {
  for (const declared of ['ami', 'ari', 'aki']) {
    assert.deepEqual(checkDeclared(reportOn(image(4096)), declared), { ok: true })
    assert.deepEqual(checkDeclared(reportOn(disk(0)), declared), { ok: true })
    assert.equal(checkDeclared(reportOn(qcow2()), declared).ok, false)
  }
})

test('a format that cannot be declared is refused', () => {
  for (const declared of ['qed', '', 'QCOW2', 'constructor']) {
    assert.equal(checkDeclared(reportOn(image(4096)), declared).ok, false)
  }
})

test('an upload that cannot become what it was said to be is known before its end', () => {
  const start = Buffer.concat([qcow2([8, big(8, 500)]), image(128 * 1024)])
  assert.deepEqual(checkSoFar(begun(start).verdict, 'qcow2'), {
    ok: false,
    reason: 'Image is qcow2 with a backing file, which is not allowed',
  })
  assert.deepEqual(checkSoFar(begun(start).verdict, 'raw'), {
    ok: false,
    reason: 'Image content does not match disk_format: declared raw, found qcow2',
  })
  assert.deepEqual(checkSoFar(begun(image(128 * 1024)).verdict, 'qcow2'), {
    ok: false,
    reason: 'Image content does not match disk_format: declared qcow2, found raw',
  })
})

test('nothing is refused early that could still be accepted', () => {
  const cases: [string, Uint8Array][] = [
    ['iso', bootableIso],
    ['raw', disk()],
    ['gpt', disk()],
    ['qcow2', qcow2()],
    ['vmdk', vmdk()],
    ['vhd', Buffer.concat([disk(), vhdFooter(2, 4096)])],
    ['aki', disk(0)],
  ]
  for (const [declared, bytes] of cases) {
    const inspector = new DiskInspector()
    for (const byte of bytes) {
      assert.deepEqual(checkSoFar(inspector.verdict, declared), { ok: true }, declared)
      inspector.write(Uint8Array.of(byte))
    }
    assert.deepEqual(checkSoFar(inspector.verdict, declared), { ok: true }, declared)
    assert.deepEqual(checkDeclared(inspector.end(), declared), { ok: true }, declared)
  }
})
