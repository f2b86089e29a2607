import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { LocalBus } from '../../../platform/rpc/local-bus.ts'
import { rpcClient, rpcServe } from '../../../platform/rpc/contract.ts'
import { desiredPort, desiredServer } from '../drivers/driver-suite.ts'
import { FakeDriver } from '../drivers/fake/driver.ts'
import { computeContract } from '../rpc/compute.ts'
import { conductorContract, type DesiredServer, type GuestVerdict, type ServerReport } from '../rpc/conductor.ts'
import { ComputeAgent } from './agent.ts'

/** A conductor that keeps wishes and reports, and an agent on host `h`. */
async function hostWith(t: TestContext) {
  const stateDir = await mkdtemp(join(tmpdir(), 'na-'))
  const bus = new LocalBus()
  const wanted = new Map<string, DesiredServer>()
  const reports = new Map<string, ServerReport>()
  const health: (string | null)[] = []
  const notices: (string | null)[] = []
  const verdicts = new Map<string, GuestVerdict>()
  const state = { isDown: false, reported: 0 }
  const stopConductor = rpcServe(bus, conductorContract, 'control', {
    async registerHost() {
      return { cloudId: 'c', obstacle: null }
    },
    async pullServers({ ids, guests = [] }) {
      if (state.isDown) throw new Error('the conductor is down')
      const others = guests.filter(({ id }) => !wanted.has(id))
      return {
        servers: [...wanted.values()].filter(({ id }) => !ids || ids.includes(id)),
        verdicts: others.map(({ id }) => ({ id, verdict: verdicts.get(id) ?? 'unknown' })),
      }
    },
    async reportServers({ reports: news }) {
      if (state.isDown) throw new Error('the conductor is down')
      for (const report of news) reports.set(report.id, report)
      state.reported += news.length
      return {}
    },
    async reportHost() {
      if (state.isDown) throw new Error('the conductor is down')
      return {}
    },
  })
  const driver = new FakeDriver({ host: 'h', stateDir: join(stateDir, 'guests') })
  const start = () => {
    const agent = new ComputeAgent({
      consoles: { path: join(stateDir, 'console.sock') },
      host: 'h',
      bus: bus.forHost('h'),
      driver,
      stateDir: join(stateDir, 'agent'),
      log: createLogger({ name: 'test' }),
      onHealth: (error) => health.push(error),
      onNotice: (notice) => notices.push(notice),
    })
    return agent.start().then(() => agent)
  }
  let agent = await start()
  t.after(async () => {
    await agent.stop()
    stopConductor()
    await rm(stateDir, { recursive: true, force: true })
  })
  return {
    wanted,
    reports,
    health,
    notices,
    verdicts,
    driver,
    state,
    operator: rpcClient(bus, computeContract),
    get agent() {
      return agent
    },
    async restart() {
      await agent.stop()
      agent = await start()
    },
    want(server: DesiredServer) {
      wanted.set(server.id, server)
      agent.look([server.id])
      return this.reported(server)
    },
    /** The report about exactly this wish. */
    reported({ id, revision }: DesiredServer) {
      const mine = () => {
        const report = reports.get(id)
        return report?.revision === revision ? report : undefined
      }
      return waitFor(mine, { what: `a report about revision ${revision}`, timeoutMs: 5000 })
    },
  }
}

const wish = (changes: Partial<DesiredServer> = {}) => desiredServer(randomUUID(), changes)

test('a wanted server is started, paused, woken, shut down and removed', async (t) => {
  const host = await hostWith(t)
  const server = wish()
  const report = await host.want(server)
  assert.deepEqual([report.power, report.error], ['running', null])
  assert.ok(report.events.some(({ what }) => what === 'start guest'))
  assert.equal((await host.want({ ...server, revision: 2, power: 'paused' })).power, 'paused')
  assert.equal((await host.want({ ...server, revision: 3, power: 'running' })).power, 'running')
  assert.equal((await host.want({ ...server, revision: 4, power: 'shutdown' })).power, 'shutdown')
  assert.equal((await host.want({ ...server, revision: 5, power: 'absent' })).power, 'missing')
  assert.deepEqual(await host.driver.listGuests(), [])
})

test('a guest is not started before its ports are wired', async (t) => {
  const host = await hostWith(t)
  const port = desiredPort()
  const server = wish()
  const started = host.want({ ...server, ports: [{ ...port, isActive: false }] })
  const guest = () => host.driver.findGuest(server.id)
  assert.equal((await waitFor(guest, { what: 'a prepared guest', timeoutMs: 5000 })).power, 'shutdown')
  host.want({ ...server, ports: [port] }).catch(() => undefined)
  assert.equal((await started).power, 'running')
})

test('a wish that fails is reported with its reason and not tried for ever; the next wish is', async (t) => {
  const host = await hostWith(t)
  const server = wish()
  host.driver.failNext('boot', 'no electricity')
  const failed = await host.want(server)
  assert.deepEqual(failed.error, { message: 'The hypervisor could not do it.', detail: 'no electricity' })
  const before = host.state.reported
  host.agent.look()
  host.agent.look([server.id])
  await host.agent.heartbeat()
  assert.equal((await host.driver.findGuest(server.id))?.power, 'shutdown')
  assert.equal(host.state.reported, before)
  assert.equal((await host.want({ ...server, revision: 2 })).power, 'running')
})

test('a reboot is done once for each time it was asked for', async (t) => {
  const host = await hostWith(t)
  const server = wish()
  await host.want(server)
  const again = { ...server, revision: 2, reboot: { generation: 1, type: 'HARD' as const } }
  assert.equal((await host.want(again)).rebootGeneration, 1)
  host.driver.failNext('reboot')
  host.reports.clear()
  const next = await host.want({ ...again, revision: 3 })
  assert.deepEqual([next.rebootGeneration, next.error], [1, null])
})

test('interfaces are changed in a running guest; a failure keeps it running', async (t) => {
  const host = await hostWith(t)
  const server = wish()
  await host.want(server)
  host.driver.failNext('updatePorts', 'no slot')
  const report = await host.want({ ...server, revision: 2, ports: [...server.ports, desiredPort()] })
  assert.deepEqual([report.power, report.error?.detail], ['running', 'no slot'])
  assert.equal((await host.want({ ...server, revision: 3 })).error, null)
})

test('a guest that ends by itself is reported at once', async (t) => {
  const host = await hostWith(t)
  const server = wish()
  await host.want(server)
  host.driver.powerOff(server.id)
  await waitFor(() => host.reports.get(server.id)?.power === 'shutdown', { what: 'its end', timeoutMs: 5000 })
})

test('a guest goes when its server is proven to be deleted or moved, and what was done is remembered over a restart', async (t) => {
  const host = await hostWith(t)
  const [kept, deleted, moved] = [wish(), wish(), wish()]
  for (const server of [kept, deleted, moved]) await host.want(server)
  host.wanted.delete(deleted.id)
  host.wanted.delete(moved.id)
  host.verdicts.set(deleted.id, 'deleted').set(moved.id, 'moved')
  host.driver.powerOff(kept.id)
  await waitFor(() => host.reports.get(kept.id)?.power === 'shutdown', { what: 'its end', timeoutMs: 5000 })
  await host.restart()
  await waitFor(async () => (await host.driver.listGuests()).length === 1, { what: 'one guest', timeoutMs: 5000 })
  // It powered itself off: the same wish does not start it again.
  assert.deepEqual(await host.driver.listGuests(), [{ id: kept.id, power: 'shutdown' }])
  assert.deepEqual(host.notices, [])
})

test('P21: a guest that nobody knows runs on and is told once; only an order removes it', async (t) => {
  const host = await hostWith(t)
  const [unknown, elsewhere, busy] = [wish({ name: 'web' }), wish(), wish()]
  for (const server of [unknown, elsewhere, busy]) await host.want(server)
  host.wanted.clear()
  host.verdicts.set(elsewhere.id, 'elsewhere').set(busy.id, 'busy')
  host.agent.look()
  await waitFor(() => host.notices.length > 0, { what: 'a notice', timeoutMs: 5000 })
  assert.match(host.notices[0] ?? '', /^2 unknown guests, kept: .*; see nephos guests$/)
  await host.restart()
  await waitFor(() => host.notices.length > 1, { what: 'the notice of the next process', timeoutMs: 5000 })
  assert.equal((await host.driver.listGuests()).filter(({ power }) => power === 'running').length, 3)

  const [described] = (await host.operator.describeGuests('h', { ids: [unknown.id] })).guests
  assert.deepEqual([described?.name, described?.power, described?.revision], ['web', 'running', 1])
  assert.ok(described!.since! > 0)
  await assert.rejects(host.operator.removeGuest('h', { id: busy.id }), /not unknown here: delete its server/)
  await host.operator.removeGuest('h', { id: unknown.id })
  assert.equal(await host.driver.findGuest(unknown.id), undefined)
  assert.match(host.notices.at(-1) ?? '', new RegExp(`^unknown guest, kept: ${elsewhere.id}`))
  // Known again, it is nobody's doubt.
  await host.want({ ...elsewhere, revision: 2 })
  host.agent.look()
  await waitFor(() => host.notices.at(-1) === null, { what: 'no notice', timeoutMs: 5000 })
})

test('a wish that is older than what was done changes nothing, unless the server is deleted', async (t) => {
  const host = await hostWith(t)
  const server = wish({ revision: 7 })
  await host.want(server)
  for (const power of ['shutdown', 'absent'] as const) {
    host.reports.clear()
    host.wanted.set(server.id, { ...server, revision: 5, power })
    host.agent.reconnected()
    assert.equal((await host.reported(server)).power, 'running', `${power} of an older database`)
    assert.equal((await host.driver.findGuest(server.id))?.power, 'running')
  }
  host.wanted.set(server.id, { ...server, revision: 5, power: 'absent', isDeleted: true })
  host.agent.look()
  await waitFor(async () => (await host.driver.listGuests()).length === 0, { what: 'its end', timeoutMs: 5000 })
})

test('a server that ran before gets no empty disk in place of a lost one', async (t) => {
  const host = await hostWith(t)
  const report = await host.want(wish({ isBuilt: true }))
  assert.equal(report.error?.message, 'The disk of the server is not on its host.')
})

test('without a conductor nothing is lost, and the health says why', async (t) => {
  const host = await hostWith(t)
  host.state.isDown = true
  const server = wish()
  host.wanted.set(server.id, server)
  host.agent.look([server.id])
  await host.agent.heartbeat()
  assert.match(host.health.at(-1) ?? '', /conductor is down/)
  host.state.isDown = false
  await host.agent.heartbeat()
  assert.equal(host.health.at(-1), null)
  assert.equal((await host.reported(server)).power, 'running')
})

test('a slow server does not keep the others waiting', async (t) => {
  const host = await hostWith(t)
  const [slow, quick] = [wish(), wish()]
  await host.want(slow)
  const ending = Promise.withResolvers<void>()
  const original = host.driver.shutDown.bind(host.driver)
  host.driver.shutDown = async (id: string) => {
    await ending.promise
    await original(id)
  }
  const off = { ...slow, revision: 2, power: 'shutdown' as const }
  const over = host.want(off)
  assert.equal((await host.want(quick)).power, 'running')
  ending.resolve()
  assert.equal((await over).power, 'shutdown')
})
