import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockNode, guestArguments } from './qemu-arguments.ts'
import type { GuestSpec } from './qemu-arguments.ts'
import { UnsafeText } from './safe-text.ts'

const spec: GuestSpec = {
  uuid: '11111111-2222-3333-4444-555555555555',
  machine: 'q35',
  virtType: 'tcg',
  cpuModel: 'qemu64',
  vcpus: 1,
  memoryMb: 128,
  disks: [{ nodeName: 'd0', deviceId: 'vd0', file: '/v/disk', format: 'qcow2', bus: 'virtio', bootIndex: 1 }],
  cdroms: [{ nodeName: 'c0', deviceId: 'cd0', file: '/v/config.iso', bus: 'scsi' }],
  nics: [{ id: 'nic0', tap: 'tap1', mac: 'fa:16:3e:00:00:01', mtu: 1450 }],
  consoleLog: '/v/console.log',
  serialSocket: '/v/serial.sock',
  vncSocket: '/v/vnc.sock',
  qmpSocket: '/v/qmp.sock',
  pidFile: '/v/pid',
}

const valuesOf = (argv: readonly string[], option: string) =>
  argv.flatMap((word, index) => (argv[index - 1] === option ? [word] : []))
const devices = (argv: readonly string[]) =>
  valuesOf(argv, '-device').map((text) => JSON.parse(text) as Record<string, unknown>)

test('each pluggable device has a root port of its own, and spare ones follow', () => {
  const all = devices(guestArguments({ ...spec, hotPlugPorts: 4 }))
  assert.equal(all.filter(({ driver }) => driver === 'pcie-root-port').length, 3 + 4)
  assert.deepEqual(
    all.filter(({ id }) => ['nic0', 'vd0', 'scsi0'].includes(String(id))).map(({ bus }) => bus),
    ['rp0', 'rp1', 'rp2'],
  )
})

test('C3: every file is opened with its format', () => {
  const nodes = valuesOf(guestArguments(spec), '-blockdev').map((text) => JSON.parse(text) as Record<string, unknown>)
  assert.deepEqual(
    nodes.map(({ driver }) => driver),
    ['qcow2', 'raw'],
  )
  assert.equal(nodes[1]?.['read-only'], true)
})

test('D6: a guest is confined and gets no default devices', () => {
  const argv = guestArguments(spec)
  for (const word of ['-nodefaults', '-no-user-config', '-sandbox']) assert.ok(argv.includes(word), word)
  assert.deepEqual(valuesOf(argv, '-vnc'), ['unix:/v/vnc.sock'])
})

test('D5: hostile text stays one value', () => {
  const hostile = `x",file=/etc/shadow,a='b'`
  const argv = guestArguments({
    ...spec,
    disks: [{ ...spec.disks[0]!, file: `/v/${hostile}`, serial: hostile }],
    kernel: { image: '/v/kernel', commandLine: `${hostile} -drive file=/etc/shadow` },
    smbios: { product: hostile },
  })
  const node = JSON.parse(valuesOf(argv, '-blockdev')[0]!) as { file: { filename: string } }
  assert.equal(node.file.filename, `/v/${hostile}`)
  assert.deepEqual(valuesOf(argv, '-append'), [`${hostile} -drive file=/etc/shadow`])
  assert.match(valuesOf(argv, '-smbios')[0]!, /product=x",,file=\/etc\/shadow,,a='b',serial=1/)
  assert.equal(
    argv.filter((word) => word.startsWith('-')).length,
    guestArguments({ ...spec, kernel: { image: '/v/kernel', commandLine: 'x' }, smbios: {} }).filter((word) =>
      word.startsWith('-'),
    ).length,
  )
})

test('D5: hostile text is refused where QEMU would split it', () => {
  for (const bad of ['/v/a,server=off', '/v/a\nb', 'relative', '/v/../etc/x', '/v/a\0']) {
    for (const key of ['consoleLog', 'serialSocket', 'vncSocket', 'qmpSocket', 'pidFile', 'agentSocket']) {
      assert.throws(() => guestArguments({ ...spec, [key]: bad }), UnsafeText, `${key} ${bad}`)
    }
  }
  const nic = spec.nics[0]!
  for (const changed of [
    { uuid: 'my server,debug-threads=on' },
    { cpuModel: 'host,+vmx' },
    { cpuFeatures: ['+vmx,help'] },
    { machine: 'q35,kernel=/etc/shadow' as 'q35' },
    { memoryMb: 1.5 },
    { nics: [{ ...nic, tap: 'tap,script=/x' }] },
    { nics: [{ ...nic, id: 'a,b' }] },
    { nics: [{ ...nic, model: 'vfio-pci,host=0' as 'e1000' }] },
    { smbios: { product: 'a\nb' } },
  ]) {
    assert.throws(() => guestArguments({ ...spec, ...changed }), UnsafeText, JSON.stringify(changed))
  }
})

test('a qcow2 file can be opened without what its header names', () => {
  const node = blockNode({ nodeName: 'a', file: '/a', format: 'qcow2', isBackingless: true })
  assert.equal(node['backing'], null)
})
