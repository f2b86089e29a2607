/** What of the network a server may be given: seeing a network or a port is not yet the right to put a server there. */
import type { Context } from '../../../platform/auth/context.ts'
import type { NetworkInfo, PortInfo } from '../deps.ts'
import { Invalid, Forbidden } from '../errors.ts'

/** A network without addresses or port security has no place for security groups. */
export const cannotApplyGroups = () =>
  new Invalid('Network requires port_security_enabled and subnet associated in order to apply security groups.')

/**
 * Throws unless a server of the caller may get a card in the network: an external one is for routers and floating IPs,
 * and addresses are chosen by whom the network belongs to (the port is made in nova's name, so neutron cannot refuse).
 */
export function requireUsableNetwork(ctx: Context, network: NetworkInfo, fixedIp: string | null): void {
  if (network.subnets.length === 0)
    throw new Invalid(`Network ${network.id} requires a subnet in order to boot instances on.`)
  if (ctx.isAdmin || network.projectId === ctx.projectId) return
  if (network.isExternal && !network.isShared)
    throw new Forbidden(`It is not allowed to create an interface on external network ${network.id}`)
  if (fixedIp !== null)
    throw new Forbidden(
      `Address ${fixedIp} cannot be chosen on network ${network.id}: (rule:create_port and rule:create_port:fixed_ips:ip_address) is disallowed by policy`,
    )
}

/** Throws unless the port belongs to the server's project: the owner of a network sees also the ports of others there. */
export function requireUsablePort(port: PortInfo, projectId: string, server: string): void {
  if (port.projectId !== projectId) throw new Invalid(`Port ${port.id} not usable for instance ${server}.`)
}
