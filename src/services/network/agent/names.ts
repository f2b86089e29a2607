/** How devices and namespaces are called; the same names as in OpenStack's linuxbridge agents. */
import { createHash } from 'node:crypto'
import type { HostNetwork } from '../rpc/host-state.ts'

const short = (id: string) => id.slice(0, 11)

export const tapName = (portId: string) => `tap${short(portId)}`
export const dhcpDevice = (portId: string) => `ns-${short(portId)}`
export const routerDevice = (portId: string) => `qr-${short(portId)}`
export const gatewayDevice = (portId: string) => `qg-${short(portId)}`
export const dhcpNamespace = (networkId: string) => `qdhcp-${networkId}`
export const routerNamespace = (routerId: string) => `qrouter-${routerId}`
export const vxlanDevice = (segment: number) => `vxlan-${segment}`

/** A flat network lives in the bridge that its physical network is mapped to; others have one of their own. */
export function bridgeName(network: HostNetwork, mappings: ReadonlyMap<string, string>): string {
  if (network.type !== 'flat') return `brq${short(network.id)}`
  const bridge = mappings.get(network.physicalNetwork ?? '')
  if (bridge === undefined) throw new Error(`no bridge is mapped to the physical network '${network.physicalNetwork}'`)
  return bridge
}

/** dnsmasq reads its files as `nobody`, who cannot look into a private state folder. */
export function dnsmasqFolder(stateDir: string, name: string): string {
  const place = createHash('sha256').update(stateDir).digest('hex').slice(0, 12)
  return `/run/nephos-${place}/${name}`
}
