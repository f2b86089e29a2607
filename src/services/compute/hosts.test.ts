/** Whom nova believes about hosts and guests, and what becomes of what databases of different moments disagree about. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { openDatabase } from '../../platform/db/database.ts'
import { operatorName, rpcClient } from '../../platform/rpc/contract.ts'
import { conductorContract } from './rpc/conductor.ts'
import { operatorContract } from './rpc/operator.ts'
import type { ComputeSchema } from './store/tables.ts'
import { eventually, FakeAgent, p1, TestCloud, type Tree } from './testing/cloud.ts'
import { imageId, networkId } from './testing/fakes.ts'

const text = (value: Tree | undefined) => value as unknown as string

class Scene {
  readonly cloud = new TestCloud()
  readonly agents = new Map<string, FakeAgent>()
  readonly notices = this.cloud.notices

  static async set(t: TestContext, ...hosts: string[]): Promise<Scene> {
    const scene = new Scene()
    await scene.cloud.start()
    t.after(() => scene.cloud.stop())
    for (const host of hosts) await scene.host(host)
    const flavor = { name: 'm1.tiny', id: '1', ram: 64, vcpus: 1, disk: 1 }
    await scene.cloud.call('admin', 'POST', '/flavors', { flavor })
    return scene
  }

  get operator() {
    return rpcClient(this.cloud.bus.forHost(operatorName), operatorContract)
  }

  async host(name: string): Promise<FakeAgent> {
    const agent = new FakeAgent(this.cloud.bus, name)
    this.agents.set(name, agent)
    await agent.heartbeat()
    return agent
  }

  /** A server that runs on the one host there is. */
  async server(): Promise<string> {
    const body = { name: 's', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }] }
    const answer = await this.cloud.call('demo', 'POST', '/servers', { server: body })
    assert.equal(answer.status, 202, JSON.stringify(answer.body))
    const id = text(answer.body['server']!['id'])
    await this.until(id, 'ACTIVE')
    return id
  }

  show = async (id: string) => (await this.cloud.call('admin', 'GET', `/servers/${id}`)).body['server']
  hostOf = async (id: string) => text((await this.show(id))!['OS-EXT-SRV-ATTR:host'])

  until(id: string, status: string | undefined) {
    const isSo = async () => {
      const server = await this.show(id)
      return text(server?.['status']) === status && (server?.['OS-EXT-STS:task_state'] ?? null) === null
    }
    return eventually(isSo, `${id} ${status}`)
  }

  async remove(id: string) {
    await this.cloud.call('demo', 'DELETE', `/servers/${id}`)
    await this.until(id, undefined)
  }

  async inDatabase(work: (db: ReturnType<typeof openDatabase<ComputeSchema>>['db']) => Promise<unknown>) {
    const database = openDatabase<ComputeSchema>(this.cloud.databaseUrl)
    await work(database.db)
    await database.close()
  }

  register(host: string, agent: Partial<{ id: string; session: string; cloudId: string | null; guests: number }>) {
    const conductor = rpcClient(this.cloud.bus.forHost(host), conductorContract)
    return conductor.registerHost(null, {
      host,
      agent: { id: host, session: host, cloudId: null, guests: 0, ...agent },
    })
  }
}

const guest = (revision = 1) => ({ revision, power: 'running' as const, reboots: 0 })

test('P3, P21: guests are proven to be deleted by row or by tombstone; others are unknown, and only the operator sees and removes them', async (t) => {
  const scene = await Scene.set(t, 'h1')
  const agent = scene.agents.get('h1')!
  const [kept, deleted, purged] = [await scene.server(), await scene.server(), await scene.server()]
  for (const id of [deleted, purged]) await scene.remove(id)
  await scene.inDatabase((db) => db.deleteFrom('servers').where('id', '=', purged).execute())
  const unknown = randomUUID()
  for (const id of [deleted, purged, unknown]) agent.guests.set(id, guest())
  await agent.look()
  const verdicts = [kept, deleted, purged, unknown].map((id) => agent.verdicts.get(id))
  assert.deepEqual(verdicts, [undefined, 'deleted', 'deleted', 'unknown'])

  const { guests } = await scene.operator.listGuests(null, {})
  assert.deepEqual(
    guests.map(({ host, id, verdict, guest: known }) => [host, id, verdict, known?.name]),
    [['h1', unknown, 'unknown', `name of ${unknown}`]],
  )
  await assert.rejects(scene.operator.adoptGuest(null, { id: unknown }), /no server .* in the database: restore one/)
  await assert.rejects(scene.operator.removeGuest(null, { id: kept }), /no host has an unknown guest/)
  const thief = rpcClient(scene.cloud.bus.forHost('h1'), operatorContract)
  await assert.rejects(thief.removeGuest(null, { id: unknown }), /h1 is not the operator/)
  await scene.operator.removeGuest(null, { id: unknown })
  assert.ok(agent.guests.has(kept) && !agent.guests.has(unknown))
})

test('a database that is older than what its host did takes over what runs, and its next wish counts', async (t) => {
  const scene = await Scene.set(t, 'h1')
  const agent = scene.agents.get('h1')!
  const id = await scene.server()
  agent.guests.set(id, guest(50))
  await agent.happens(id, 'shutdown')
  await scene.until(id, 'SHUTOFF')
  await scene.cloud.call('demo', 'POST', `/servers/${id}/action`, { 'os-start': null })
  await scene.until(id, 'ACTIVE')
  assert.ok(agent.guests.get(id)!.revision > 50)
})

test('a guest whose server is on another host is adopted with its allocation and ports, once that host has it no more', async (t) => {
  const scene = await Scene.set(t, 'h1')
  const id = await scene.server()
  const agent = await scene.host('h2')
  agent.guests.set(id, guest(70))
  await agent.look()
  assert.equal(agent.verdicts.get(id), 'elsewhere')
  await assert.rejects(scene.operator.adoptGuest(null, { id }), /runs on h1: the guest on h2 is another one/)
  const services = (await scene.cloud.call('admin', 'GET', '/os-services?host=h1')).body[
    'services'
  ] as unknown as Tree[]
  const path = `/os-services/${text(services[0]!['id'])}`
  assert.equal((await scene.cloud.call('admin', 'PUT', path, { forced_down: true })).status, 200)
  assert.deepEqual(await scene.operator.adoptGuest(null, { id }), { host: 'h2' })
  assert.equal(await scene.hostOf(id), 'h2')
  await eventually(async () => agent.guests.get(id)!.revision > 70, 'the wish for the new host')
  assert.deepEqual(
    [...scene.cloud.network.ports.values()].map(({ hostId, deviceId }) => [hostId, deviceId]),
    [['h2', id]],
  )
  const { providerId } = scene.cloud.placement.allocations.get(id)!
  const h1 = (await scene.cloud.call('admin', 'GET', '/os-hypervisors')).body['hypervisors'] as unknown as Tree[]
  assert.equal(text(h1.find((each) => text(each['hypervisor_hostname']) === 'h2')!['id']), providerId)
  assert.deepEqual((await scene.operator.listGuests(null, {})).guests, [])
})

test('a renamed host is held until its old name is given up; then everything is on the new one', async (t) => {
  const scene = await Scene.set(t)
  const { cloudId, obstacle } = await scene.register('old', { id: 'a1' })
  assert.equal(obstacle, null)
  const old = await scene.host('old')
  const id = await scene.server()
  old.stop()
  const renamed = () => scene.register('new', { id: 'a1', cloudId, guests: 1 })
  assert.match((await renamed()).obstacle ?? '', /^possible rename: this host was 'old' and is 'new' now; its 1 guest/)
  const { hosts } = await scene.operator.listHeldHosts(null, {})
  assert.deepEqual(
    hosts.map(({ host, was }) => [host, was]),
    [['new', 'old']],
  )
  await assert.rejects(scene.operator.acceptHost(null, { host: 'old' }), /no agent waits to be accepted as host 'old'/)
  await scene.operator.acceptHost(null, { host: 'new' })
  assert.equal((await renamed()).obstacle, null)
  assert.equal(await scene.hostOf(id), 'new')
  const agent = await scene.host('new')
  await scene.cloud.call('demo', 'POST', `/servers/${id}/action`, { 'os-stop': null })
  await scene.until(id, 'SHUTOFF')
  assert.equal(agent.guests.get(id)?.power, 'shutdown')
  const names = (await scene.cloud.call('admin', 'GET', '/os-hypervisors')).body['hypervisors'] as unknown as Tree[]
  assert.deepEqual(
    names.map((each) => text(each['hypervisor_hostname'])),
    ['new'],
  )
})

test('two agents with one name: neither a second process nor another machine takes the place of the first', async (t) => {
  const scene = await Scene.set(t, 'h1') // answers whoServes with its host's name
  const first = { id: 'a1', session: 'h1' }
  assert.equal((await scene.register('h1', first)).obstacle, null)
  assert.match(
    (await scene.register('h1', { ...first, session: 'x' })).obstacle ?? '',
    /another agent process serves 'h1'/,
  )
  scene.agents.get('h1')!.stop()
  assert.equal((await scene.register('h1', { ...first, session: 'x' })).obstacle, null)
  assert.match(
    (await scene.register('h1', { id: 'a2' })).obstacle ?? '',
    /registered for another agent \(a1, last heard/,
  )
  // Until an operator gives the name away.
  const { services } = (await scene.cloud.call('admin', 'GET', '/os-services?host=h1')).body
  const [service] = services as unknown as Tree[]
  await scene.cloud.call('admin', 'DELETE', `/os-services/${text(service!['id'])}`)
  assert.equal((await scene.register('h1', { id: 'a2' })).obstacle, null)
})

test('a host whose provider is older than the database goes on with it', async (t) => {
  const scene = await Scene.set(t)
  await scene.cloud.placement.ensureProvider({ id: 'p1', name: 'h1' })
  await scene.host('h1')
  const id = await scene.server()
  assert.equal(scene.cloud.placement.allocations.get(id)?.providerId, 'p1')
})

test('the agent of another control plane is held while it has guests', async (t) => {
  const scene = await Scene.set(t)
  const foreign = { id: 'a9', cloudId: 'other', guests: 3 }
  assert.match(
    (await scene.register('h1', foreign)).obstacle ?? '',
    /^another control plane: the 3 guests of this host/,
  )
  await scene.operator.acceptHost(null, { host: 'h1' })
  assert.equal((await scene.register('h1', foreign)).obstacle, null)
})

test('databases of different moments are reconciled when a host reports: what is in doubt is kept and told', async (t) => {
  const scene = await Scene.set(t, 'h1')
  const { placement, network } = scene.cloud
  const [lost, gone, other] = [await scene.server(), await scene.server(), await scene.server()]
  const allocation = placement.allocations.get(lost)!
  const port = [...network.ports.values()].find(({ deviceId }) => deviceId === gone)!
  await scene.remove(gone)
  await scene.cloud.service.stop()
  // Placement and neutron are of other moments than nova.
  placement.allocations.delete(lost)
  const [nobody, running, foreign] = [randomUUID(), randomUUID(), randomUUID()]
  for (const id of [gone, nobody, running, foreign]) placement.allocations.set(id, allocation)
  placement.strangers.add(foreign)
  const lostPort = [...network.ports.values()].find(({ deviceId }) => deviceId === other)!
  network.ports.delete(lostPort.id)
  const unknownPort = { ...port, id: randomUUID(), deviceId: running }
  for (const each of [port, unknownPort]) network.ports.set(each.id, each)
  const agent = scene.agents.get('h1')!
  agent.guests.set(running, guest())

  await scene.cloud.start()
  await agent.heartbeat()
  await agent.look()
  await eventually(async () => scene.notices.length > 0, 'a report')
  assert.deepEqual([...placement.allocations.keys()].sort(), [lost, other, running, foreign].sort())
  assert.equal(network.ports.has(port.id), false)
  assert.equal(network.ports.has(unknownPort.id), true)
  const report = scene.notices.at(-1)!
  for (const part of [
    /reconciled: .*1 allocations of deleted servers removed/,
    /1 allocations of nobody removed/,
    /1 allocations made again/,
    /1 ports of deleted servers released/,
    /kept in doubt: 2 allocations of unknown consumers, 1 ports of unknown servers, 1 servers whose ports nova and neutron do not agree/,
  ])
    assert.match(report, part)
  assert.equal(p1, (await scene.show(lost))!['tenant_id'] as unknown)
})

test('a build reads no hosts but those that placement names, until it has to say why none is left', async (t) => {
  const scene = await Scene.set(t, 'h1', 'h2')
  const { cloud } = scene
  const database = openDatabase<ComputeSchema>(cloud.databaseUrl)
  t.after(() => database.close())
  const idOf = async (host: string) =>
    (await database.db.selectFrom('compute_nodes').select('id').where('host', '=', host).executeTakeFirstOrThrow()).id
  const none = { VCPU: { total: 0, reserved: 0, allocation_ratio: 1 } } as never
  cloud.placement.providers.set(await idOf('h2'), none)
  // Whoever reads this fails.
  await database.db.updateTable('compute_nodes').set({ report_json: '{' }).where('host', '=', 'h2').execute()
  assert.equal(await scene.hostOf(await scene.server()), 'h1')
  cloud.placement.providers.set(await idOf('h1'), none)
  const body = { name: 's', imageRef: imageId, flavorRef: '1', networks: 'none' }
  const id = text((await cloud.call('demo', 'POST', '/servers', { server: body })).body['server']!['id'])
  await scene.until(id, 'ERROR')
  const fault = (await scene.show(id))!['fault']!
  assert.match(text(fault['message']), /placement rejected 2 hosts/)
})
