/** What a guest can read about itself. The metadata service and the config drive are made from this, by the same tables. */

import type { VendorData } from '../model/vendor-data.ts'

export interface ServerMetadata {
  id: string
  name: string
  /** With the domain of `[api] dhcp_domain`. */
  hostname: string
  projectId: string
  availabilityZone: string
  launchIndex: number
  reservationId: string
  /** The server's own metadata, key to value. */
  metadata: Readonly<Record<string, string>>
  keys: readonly { name: string; type: string; publicKey: string }[]
  /** Base64, as it was given; null when there is none. */
  userData: string | null
  flavorName: string
  ports: readonly MetadataPort[]
  floatingIps: readonly string[]
  securityGroups: readonly string[]
  /** Only ever on a config drive. */
  adminPass: string | null
  /** Files that the user wants in the guest, contents in base64; only ever on a config drive. */
  injectedFiles: readonly { path: string; contents: string }[]
  imageId: string
  /** Of an image that boots a kernel of its own. */
  kernelId: string | null
  ramdiskId: string | null
  /** Device names by what is on them: `root`, `ephemeral0`, `swap`. */
  blockDevices: Readonly<Record<string, string>>
}

export interface MetadataPort {
  id: string
  mac: string
  mtu: number
  networkId: string
  tap: string
  /** Neutron's `binding:vif_type`. */
  vifType: string
  tag: string | null
  addresses: readonly MetadataAddress[]
}

export interface MetadataAddress {
  subnetId: string
  cidr: string
  ip: string
  gateway: string | null
  dns: readonly string[]
  isDhcp: boolean
  /** `slaac`, `dhcpv6-stateful`, `dhcpv6-stateless`; null where nothing announces addresses. */
  ipv6AddressMode: string | null
  routes: readonly { destination: string; nexthop: string }[]
}

/** What belongs to one reading of the metadata and not to the server. */
export interface Sources {
  /** Asked only by who reads it: other programs may have to be asked. */
  vendorData(): Promise<VendorData>
  /** 512 bytes, base64. */
  randomSeed(): string
}

export const json = (value: unknown) => Buffer.from(JSON.stringify(value))
