import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guestArguments } from '../../../../host/qemu-arguments.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import { guestFolder } from './folder.ts'
import { guestSpec } from './spec.ts'

const id = '6f1c2b6e-1111-4222-8333-444455556666'
const port = { id: 'p', mac: 'fa:16:3e:00:00:01', networkId: 'n', tap: 'tap01234567-89', mtu: 1450, isActive: true }
const server: DesiredServer = {
  id,
  revision: 1,
  projectId: 'p',
  name: 'evil,file=/etc/shadow" -monitor stdio\n',
  power: 'running',
  reboot: { generation: 0, type: 'SOFT' },
  vcpus: 1,
  memoryMb: 128,
  rootGb: 1,
  ephemeralGb: 0,
  swapMb: 0,
  image: null,
  ports: [port],
  configDrive: null,
  isDeleted: false,
  isBuilt: false,
  requestId: null,
}
const argv = (changes: Partial<DesiredServer>) =>
  guestArguments(guestSpec({ ...server, ...changes }, guestFolder('/var/lib/x', id), 'tcg'))

test('D5: nothing that a user wrote reaches the command line', () => {
  assert.ok(!argv({}).some((word) => word.includes('evil') || word.includes('shadow')))
})

test('D5: a tap with a hostile name is refused', () => {
  assert.throws(() => argv({ ports: [{ ...port, tap: 'tap,script=/x' }] }))
})

test('D5: an id that leaves the state folder is refused', () => {
  assert.throws(() => guestFolder('/var/lib/x', '../../etc'))
})

test('the config drive is there only when wanted', () => {
  assert.ok(!argv({}).some((word) => word.includes('config.iso')))
  assert.ok(argv({ isDeleted: false, isBuilt: false, configDrive: {} }).some((word) => word.includes('config.iso')))
})
