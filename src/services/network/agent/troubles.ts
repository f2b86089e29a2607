/** Why ports of guests are not what their servers wait for. Pure. */
import type { Round } from './context.ts'
import { isGuestPort } from './l2.ts'

/**
 * A guest's port is in trouble when wiring it failed, when its network's DHCP does not serve it, or when its tap is
 * there and something that all ports need (filters, bridges) failed.
 */
export function troublesOf(
  { state, failures }: Round,
  wired: ReadonlySet<string>,
  taps: ReadonlySet<string>,
): Map<string, string> {
  const own = new Map(
    failures.flatMap(({ portId, what, message }) => (portId ? [[portId, `${what}: ${message}`]] : [])),
  )
  const common = failures.find(({ part, portId }) => part === 'l2' && portId === undefined)
  const troubles = new Map(own)
  for (const { port, hosts } of state.dhcp) {
    const reason = own.get(port.id)
    if (reason === undefined) continue
    for (const { portId } of hosts) if (!troubles.has(portId)) troubles.set(portId, `DHCP of ${reason}`)
  }
  for (const port of state.ports.filter(isGuestPort)) {
    if (common && !troubles.has(port.id) && !wired.has(port.id) && taps.has(port.tap))
      troubles.set(port.id, `${common.what}: ${common.message}`)
  }
  return troubles
}
