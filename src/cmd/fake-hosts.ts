import { join } from 'node:path'
import type { Secret } from '../platform/auth/secret.ts'
import { SocketBus } from '../platform/rpc/socket-bus.ts'
import { ComputeAgent } from '../services/compute/agent/agent.ts'
import { FakeDriver } from '../services/compute/drivers/fake/driver.ts'
import { fakeAgent } from '../services/network/fake-agent.ts'
import { logOf } from './logs.ts'
import type { RoleBoard } from './roles.ts'
import { paths, type Settings } from './settings.ts'

const startedAtOnce = 16

/** Hosts with the fake compute driver and without a data plane, inside this process. Returns how to stop them. */
export async function startFakeHosts(
  hostName: string,
  settings: Settings,
  key: Secret,
  stateDir: string,
  board: RoleBoard,
): Promise<() => Promise<void>> {
  const log = logOf(stateDir, 'nova-compute', 'compute')
  const stops: (() => Promise<void> | void)[] = []
  const notices = new Map<string, string | null>()
  const show = () => {
    const lines = [...notices].flatMap(([host, notice]) => (notice === null ? [] : [`${host}: ${notice}`]))
    board.set('nova-compute', 'up', lines.length === 0 ? null : lines.join('; '))
  }
  const start = async (host: string) => {
    // Through the socket as real agents: what does not get through it is found here.
    const bus = new SocketBus({ path: paths(stateDir).bus, key, log }, host)
    stops.push(() => bus.close())
    await bus.whenConnected()
    const folder = join(stateDir, 'hosts', host)
    stops.push(await fakeAgent(bus, host))
    const driver = new FakeDriver({ host, stateDir: folder })
    const onNotice = (notice: string | null) => {
      notices.set(host, notice)
      show()
    }
    const agent = new ComputeAgent({ host, bus, driver, stateDir: folder, log, concurrency: 64, onNotice })
    await agent.start()
    stops.push(() => agent.stop())
  }
  const { computeHosts } = settings
  const names = Array.from({ length: computeHosts }, (_, index) =>
    computeHosts === 1 ? hostName : `fake-${index + 1}`,
  )
  // Each waits for the disk many times; together they wait for it once.
  const left = names.values()
  const startThem = async () => {
    for (const name of left) await start(name)
  }
  await Promise.all(Array.from({ length: startedAtOnce }, startThem))
  show()
  return async () => {
    for (const stop of stops.reverse()) await stop()
  }
}
