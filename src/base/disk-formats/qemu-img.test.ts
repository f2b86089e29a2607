import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkDeclared } from './check-declared.ts'
import { DiskInspector } from './inspector.ts'
import type { DiskReport } from './inspector.ts'

const skip = spawnSync('qemu-img', ['--version']).status === 0 ? false : 'qemu-img is not installed'
const folder = mkdtempSync(join(tmpdir(), 'disk-formats-'))
after(() => rmSync(folder, { recursive: true }))

const qemuImg = (...args: string[]): string => execFileSync('qemu-img', args, { cwd: folder, encoding: 'utf8' })

function inspect(file: string, chunkSize: number): DiskReport {
  const bytes = readFileSync(join(folder, file))
  const inspector = new DiskInspector()
  for (let at = 0; at < bytes.length; at += chunkSize) inspector.write(bytes.subarray(at, at + chunkSize))
  return inspector.end()
}

function inspectByAll(file: string): DiskReport {
  const report = inspect(file, 65536)
  for (const size of [1, 7, 512]) assert.deepEqual(inspect(file, size), report, `${file} by ${size}`)
  return report
}

const LAWFUL: [format: string, declared: string, options: string][] = [
  ['raw', 'raw', ''],
  ['qcow2', 'qcow2', ''],
  ['qcow2', 'qcow2', 'compat=0.10'],
  ['qcow2', 'qcow2', 'lazy_refcounts=on'],
  ['qcow2', 'qcow2', 'compression_type=zstd'],
  ['qcow2', 'qcow2', 'cluster_size=512'],
  ['qcow2', 'qcow2', 'cluster_size=2M,preallocation=metadata'],
  ['vmdk', 'vmdk', ''],
  ['vmdk', 'vmdk', 'subformat=streamOptimized'],
  ['vdi', 'vdi', ''],
  ['vdi', 'vdi', 'static=on'],
  ['vpc', 'vhd', ''],
  ['vpc', 'vhd', 'subformat=fixed'],
  ['vhdx', 'vhdx', 'log_size=1M,block_size=1M'],
  ['parallels', 'ploop', ''],
]

for (const [format, declared, options] of LAWFUL) {
  test(`${format} ${options} as qemu-img writes it is ${declared}`, { skip }, () => {
    qemuImg('create', '-q', '-f', 'raw', 'source', '3M')
    const file = `lawful-${format}`
    qemuImg('convert', '-q', '-f', 'raw', '-O', format, ...(options === '' ? [] : ['-o', options]), 'source', file)
    const report = inspectByAll(file)
    assert.deepEqual(checkDeclared(report, declared), { ok: true })
    const info = JSON.parse(qemuImg('info', '-f', format, '--output=json', file)) as { 'virtual-size': number }
    assert.equal(report.virtualSize, info['virtual-size'])
  })
}

const REFUSED: [name: string, declared: string, reason: RegExp, ...args: string[]][] = [
  ['backed.qcow2', 'qcow2', /with a backing file/, '-f', 'qcow2', '-b', 'source', '-F', 'raw', 'backed.qcow2'],
  ['data.qcow2', 'qcow2', /external data file/, '-f', 'qcow2', '-o', 'data_file=data', 'data.qcow2', '1M'],
  ['wide.qcow2', 'qcow2', /unknown features/, '-f', 'qcow2', '-o', 'extended_l2=on', 'wide.qcow2', '1M'],
  ['flat.vmdk', 'vmdk', /descriptor without data/, '-f', 'vmdk', '-o', 'subformat=monolithicFlat', 'flat.vmdk', '1M'],
  ['two.vmdk', 'vmdk', /not allowed/, '-f', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', 'two.vmdk', '1M'],
  ['child.vmdk', 'vmdk', /with a parent/, '-f', 'vmdk', '-b', 'parent.vmdk', '-F', 'vmdk', 'child.vmdk'],
  ['old.qed', 'raw', /declared raw, found qed/, '-f', 'qed', 'old.qed', '1M'],
  ['old.qcow', 'qcow2', /unsupported version/, '-f', 'qcow', 'old.qcow', '1M'],
]

for (const [file, declared, reason, ...args] of REFUSED) {
  test(`${file} as qemu-img writes it is refused`, { skip }, () => {
    qemuImg('create', '-q', '-f', 'raw', 'source', '3M')
    qemuImg('create', '-q', '-f', 'vmdk', 'parent.vmdk', '3M')
    qemuImg('create', '-q', ...args)
    const report = inspectByAll(file)
    const check = checkDeclared(report, declared)
    assert.ok(!check.ok)
    assert.match(check.reason, reason)
    assert.equal(checkDeclared(report, 'raw').ok, false)
  })
}

test('a LUKS image as qemu-img writes it is luks, less its header', { skip }, () => {
  const secret = 'secret,id=key,data=abc'
  // qemu-img measures its PBKDF by CPU time and gives up when a busy machine gives it none: try again.
  for (let attempt = 1; ; attempt++) {
    try {
      qemuImg('create', '-q', '-f', 'luks', '--object', secret, '-o', 'key-secret=key,iter-time=100', 'locked', '1M')
      break
    } catch (error) {
      if (attempt === 30) throw error
    }
  }
  const report = inspect('locked', 65536)
  assert.deepEqual(checkDeclared(report, 'luks'), { ok: true })
  assert.equal(report.virtualSize, 1 << 20)
})
