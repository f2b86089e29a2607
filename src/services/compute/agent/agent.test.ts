import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { LocalBus } from '../../../platform/rpc/local-bus.ts'
import { rpcServe } from '../../../platform/rpc/contract.ts'
import { desiredPort, desiredServer } from '../drivers/driver-suite.ts'
import { FakeDriver } from '../drivers/fake/driver.ts'
import { conductorContract, type DesiredServer, type ServerReport } from '../rpc/conductor.ts'
import { ComputeAgent } from './agent.ts'

/** A conductor that keeps wishes and reports, and an agent on host `h`. */
async function hostWith(t: TestContext) {
  const stateDir = await mkdtemp(join(tmpdir(), 'na-'))
  const bus = new LocalBus('control')
  const wanted = new Map<string, DesiredServer>()
  const reports = new Map<string, ServerReport>()
  const health: (string | null)[] = []
  const state = { isDown: false, reported: 0 }
  const stopConductor = rpcServe(bus, conductorContract, 'control', {
    async pullServers({ ids }) {
      if (state.isDown) throw new Error('the conductor is down')
      return { servers: [...wanted.values()].filter(({ id }) => !ids || ids.includes(id)) }
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
      host: 'h',
      bus: bus.forHost('h'),
      driver,
      stateDir: join(stateDir, 'agent'),
      log: createLogger({ name: 'test' }),
      onHealth: (error) => health.push(error),
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
    driver,
    state,
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

test('what no server stands for is destroyed, and what was done is remembered over a restart', async (t) => {
  const host = await hostWith(t)
  const [kept, lost] = [wish(), wish()]
  await host.want(kept)
  await host.want(lost)
  host.wanted.delete(lost.id)
  host.driver.powerOff(kept.id)
  await waitFor(() => host.reports.get(kept.id)?.power === 'shutdown', { what: 'its end', timeoutMs: 5000 })
  await host.restart()
  await waitFor(async () => (await host.driver.listGuests()).length === 1, { what: 'one guest', timeoutMs: 5000 })
  // It powered itself off: the same wish does not start it again.
  assert.deepEqual(await host.driver.listGuests(), [{ id: kept.id, power: 'shutdown' }])
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
