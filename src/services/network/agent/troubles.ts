/** Why ports of guests are not what their servers wait for, as far as the parts of this process know. Pure. */
import type { AgentPart } from '../rpc/parts.ts'
import type { Round } from './context.ts'
import { isGuestPort } from './l2.ts'

/**
 * A guest's port is in trouble when wiring it failed, when its network's DHCP does not serve it, or when its tap is
 * there and something that all ports need (filters, bridges) failed.
 */
export function troublesOf(
  rounds: ReadonlyMap<AgentPart, Round>,
  wired: ReadonlySet<string>,
  taps: ReadonlySet<string>,
): Map<string, string> {
  const failures = [...rounds.values()].flatMap((round) => round.failures)
  const own = new Map(
    failures.flatMap(({ portId, what, message }) => (portId ? [[portId, `${what}: ${message}`]] : [])),
  )
  const l2 = rounds.get('l2')
  const common = l2?.failures.find(({ portId }) => portId === undefined)
  const troubles = new Map(own)
  for (const { port, hosts } of rounds.get('dhcp')?.state.dhcp ?? []) {
    const reason = own.get(port.id)
    if (reason === undefined) continue
    for (const { portId } of hosts) if (!troubles.has(portId)) troubles.set(portId, `DHCP of ${reason}`)
  }
  for (const port of l2?.state.ports.filter(isGuestPort) ?? []) {
    if (common && !troubles.has(port.id) && !wired.has(port.id) && taps.has(port.tap))
      troubles.set(port.id, `${common.what}: ${common.message}`)
  }
  return troubles
}
