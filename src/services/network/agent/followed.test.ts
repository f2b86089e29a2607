import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createLogger } from '../../../platform/log/log.ts'
import type { HostRouter, HostState } from '../rpc/host-state.ts'
import { FollowedState } from './followed.ts'

const network = (id: string): HostState['networks'][number] => ({
  id,
  type: 'vxlan',
  physicalNetwork: null,
  segmentationId: 1,
  mtu: 1450,
  adminStateUp: true,
  peers: [],
  forwarding: [],
})
const face = (portId: string) => ({ portId, mac: '', networkId: 'n', mtu: 1450, addresses: [], ipv6RaSubnets: [] })
const router = (id: string, ports: string[]): HostRouter => ({
  id,
  projectId: 'p',
  adminStateUp: true,
  gateway: null,
  interfaces: ports.map(face),
  floatingIps: [],
  routes: [],
  metadataClients: [],
})
const state = (revision: number, networks: string[], routers: HostRouter[] = []): HostState => ({
  revision,
  networks: networks.map(network),
  ports: [],
  securityGroups: [],
  dhcp: [],
  routers,
})
const namesOf = ({ networks }: HostState) => networks.map(({ id }) => id).sort()
const same = { epoch: 'e1', isSuccessor: true }
const other = { epoch: 'x', isSuccessor: false }

async function folder(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'nf-'))
  t.after(() => rm(dir, { recursive: true }))
  return dir
}
const log = createLogger({ name: 'test' })

test('what a server of the same history no longer names goes', async (t) => {
  const followed = new FollowedState(await folder(t), 'h1', log)
  assert.equal(followed.position, null)
  await followed.take(state(1, ['a', 'b']), same)
  assert.deepEqual(namesOf(await followed.take(state(2, ['a']), same)), ['a'])
  assert.deepEqual([followed.position, followed.kept], [{ epoch: 'e1', revision: 2, host: 'h1' }, null])
})

test('P21: what a server of another history does not name stays, over restarts, until an operator lets it go', async (t) => {
  const dir = await folder(t)
  await new FollowedState(dir, 'h1', log).take(state(7, ['a', 'b']), same)
  let followed = new FollowedState(dir, 'h1', log)
  assert.deepEqual(namesOf(await followed.take(state(0, []), other)), ['a', 'b'])
  assert.deepEqual(namesOf(await followed.take(state(1, ['a', 'c']), other)), ['a', 'b', 'c'])
  assert.equal(followed.kept, '1 network')
  followed = new FollowedState(dir, 'h1', log)
  assert.deepEqual(followed.position, { epoch: 'e1', revision: 7, host: 'h1' })
  await followed.forget()
  assert.equal(followed.position, null)
  assert.deepEqual(namesOf(await followed.take(state(1, ['c']), { ...other, isSuccessor: true })), ['c'])
})

test('within a router that both know, interfaces that the server forgot stay', async (t) => {
  const followed = new FollowedState(await folder(t), 'h1', log)
  await followed.take(state(7, ['a'], [router('r', ['p1', 'p2'])]), same)
  const kept = await followed.take(state(3, ['a'], [router('r', ['p1'])]), other)
  assert.deepEqual(
    kept.routers[0]!.interfaces.map(({ portId }) => portId),
    ['p1', 'p2'],
  )
  assert.equal(followed.kept, 'parts of routers and of DHCP')
})

test('an older server that names everything is followed again by itself', async (t) => {
  const followed = new FollowedState(await folder(t), 'h1', log)
  await followed.take(state(7, ['a']), same)
  await followed.take(state(3, ['b', 'a']), other)
  assert.deepEqual([followed.kept, followed.position], [null, { epoch: 'x', revision: 3, host: 'h1' }])
})

test('what was followed under another name tells so', async (t) => {
  const dir = await folder(t)
  await new FollowedState(dir, 'h1', log).take(state(7, ['a']), same)
  assert.equal(new FollowedState(dir, 'h2', log).position?.host, 'h1')
})
