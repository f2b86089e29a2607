/** How devices and namespaces are called; the same names as in OpenStack's linuxbridge agents. */
import { createHash } from 'node:crypto'
import { shortId as short } from '../../../base/device-names.ts'
import type { HostNetwork } from '../rpc/host-state.ts'

export const dhcpDevice = (portId: string) => `ns-${short(portId)}`
export const routerDevice = (portId: string) => `qr-${short(portId)}`
export const gatewayDevice = (portId: string) => `qg-${short(portId)}`
export const dhcpNamespace = (networkId: string) => `qdhcp-${networkId}`
export const routerNamespace = (routerId: string) => `qrouter-${routerId}`
export const vxlanDevice = (segment: number) => `vxlan-${segment}`

/** The sub-interface of a vlan network; the kernel allows 15 characters. */
export function vlanDevice(parent: string, segment: number): string {
  const plain = `${parent}.${segment}`
  return plain.length <= 15 ? plain : `v${createHash('sha256').update(parent).digest('hex').slice(0, 8)}.${segment}`
}

/** A flat network lives in the bridge that its physical network is mapped to; others have one of their own. */
export function bridgeName(network: HostNetwork, mappings: ReadonlyMap<string, string>): string {
  return network.type === 'flat' ? physicalBridge(network, mappings) : `brq${short(network.id)}`
}

export function physicalBridge({ physicalNetwork }: HostNetwork, mappings: ReadonlyMap<string, string>): string {
  const bridge = mappings.get(physicalNetwork ?? '')
  if (bridge === undefined) throw new Error(`no bridge is mapped to the physical network '${physicalNetwork}'`)
  return bridge
}

/** dnsmasq reads its files as `nobody`, who cannot look into a private state folder. */
export function dnsmasqFolder(stateDir: string, name: string): string {
  const place = createHash('sha256').update(stateDir).digest('hex').slice(0, 12)
  return `/run/nephos-${place}/${name}`
}
