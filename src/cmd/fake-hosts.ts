import { join } from 'node:path'
import { SocketBus } from '../platform/rpc/socket-bus.ts'
import { logOfControl } from '../deployment/logs.ts'
import type { RoleBoard } from '../deployment/role-board.ts'
import { readSecret } from '../deployment/secrets.ts'
import { services } from '../deployment/services.ts'
import { paths, type Settings } from '../deployment/settings.ts'

const startedAtOnce = 16
/** The role that says what an operator should know of a host. */
const compute = 'nova-compute'

export interface FakeHostsOptions {
  hostName: string
  settings: Settings
  stateDir: string
  board: RoleBoard
  /** Names of agent roles. */
  roles: readonly string[]
}

/**
 * These agents of hosts with the fake compute driver and without a data plane, inside this process. Returns how to stop
 * them.
 */
export async function startFakeHosts(options: FakeHostsOptions): Promise<() => Promise<void>> {
  const { hostName, settings, stateDir, board, roles } = options
  for (const role of roles) board.set(role, 'starting')
  const log = logOfControl(stateDir, 'nova-compute', 'compute')
  const key = readSecret(stateDir, 'bus')
  const stops: (() => Promise<void> | void)[] = []
  const notices = new Map<string, string | null>()
  const show = () => {
    const lines = [...notices].flatMap(([host, notice]) => (notice === null ? [] : [`${host}: ${notice}`]))
    if (roles.includes(compute)) board.set(compute, 'up', lines.length === 0 ? null : lines.join('; '))
  }
  const start = async (host: string) => {
    // Through the socket as real agents: what does not get through it is found here.
    const bus = new SocketBus({ path: paths(stateDir).bus, key, log }, host)
    stops.push(() => bus.close())
    await bus.whenConnected()
    const onNotice = (notice: string | null) => {
      notices.set(host, notice)
      show()
    }
    // The network's before the guests that it carries.
    for (const service of services.toReversed()) {
      const wanted = roles.filter((role) => service.roles[role])
      if (wanted.length === 0) continue
      const agents = await service.startFakeAgents?.({
        roles: wanted,
        host,
        bus,
        stateDir: join(stateDir, 'hosts', host),
        log,
        onNotice,
      })
      if (agents) stops.push(() => agents.stop())
    }
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
  for (const role of roles) board.set(role, 'up')
  show()
  return async () => {
    for (const stop of stops.reverse()) await stop()
  }
}
