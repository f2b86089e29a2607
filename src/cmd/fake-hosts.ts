import { join } from 'node:path'
import { SocketBus } from '../platform/rpc/socket-bus.ts'
import { ComputeAgent } from '../services/compute/agent/agent.ts'
import { FakeDriver } from '../services/compute/drivers/fake/driver.ts'
import { fakeAgent } from '../services/network/fake-agent.ts'
import { logOf } from '../deployment/logs.ts'
import type { RoleBoard } from '../deployment/role-board.ts'
import { readSecret } from '../deployment/secrets.ts'
import { paths, type Settings } from '../deployment/settings.ts'

/** Hosts with the fake compute driver and without a data plane, inside this process. Returns how to stop them. */
export async function startFakeHosts(
  hostName: string,
  settings: Settings,
  stateDir: string,
  board: RoleBoard,
): Promise<() => Promise<void>> {
  const log = logOf(stateDir, 'nova-compute', 'compute')
  const key = readSecret(stateDir, 'bus')
  const stops: (() => Promise<void> | void)[] = []
  const notices = new Map<string, string | null>()
  const show = () => {
    const lines = [...notices].flatMap(([host, notice]) => (notice === null ? [] : [`${host}: ${notice}`]))
    board.set('nova-compute', 'up', lines.length === 0 ? null : lines.join('; '))
  }
  for (let index = 1; index <= settings.computeHosts; index++) {
    const host = settings.computeHosts === 1 ? hostName : `fake-${index}`
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
  show()
  return async () => {
    for (const stop of stops.reverse()) await stop()
  }
}
