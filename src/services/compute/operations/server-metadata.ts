import { tapName } from '../../../base/device-names.ts'
import type { ComputeDeps } from '../deps.ts'
import type { ServerMetadata } from '../metadata/document.ts'
import { zoneOf, type Aggregate } from '../model/host.ts'
import type { Server } from '../model/server.ts'
import { listAggregates } from '../store/aggregates.ts'
import { findServer } from '../store/servers.ts'

/** The zone that users see. */
export const zoneOfServer = (
  server: Pick<Server, 'host' | 'pinnedZone'>,
  aggregates: readonly Aggregate[],
  fallback: string,
): string => (server.host === null ? (server.pinnedZone ?? fallback) : zoneOf(server.host, aggregates, fallback))

/** What a server may read about itself; the password is the config drive's affair. */
export function metadataOf(server: Server, zone: string): ServerMetadata {
  return {
    id: server.id,
    name: server.name,
    hostname: server.hostname,
    projectId: server.projectId,
    availabilityZone: zone,
    launchIndex: server.launchIndex,
    metadata: server.metadata,
    keys: server.keys,
    userData: server.userData,
    flavorName: server.flavor.name,
    ports: server.ports.map((port) => ({
      id: port.id,
      mac: port.mac,
      mtu: port.mtu,
      networkId: port.networkId,
      tap: tapName(port.id),
      addresses: port.fixedIps.map((ip) => {
        const subnet = port.subnets.find((each) => each.id === ip.subnetId)
        return {
          subnetId: ip.subnetId,
          cidr: subnet?.cidr ?? `${ip.address}/${ip.version === 4 ? 32 : 128}`,
          ip: ip.address,
          gateway: subnet?.gatewayIp ?? null,
          dns: subnet?.dnsNameservers ?? [],
          isDhcp: subnet?.enableDhcp ?? false,
        }
      }),
    })),
    floatingIps: server.ports.flatMap((port) => port.floatingIps ?? []),
    securityGroups: server.securityGroups,
    adminPass: null,
    imageId: server.image?.id ?? '',
  }
}

/** For the metadata service; null when the project has no such server. */
export async function getServerMetadata(
  { database, config }: ComputeDeps,
  id: string,
  projectId: string,
): Promise<ServerMetadata | null> {
  const server = await findServer(database.db, id)
  if (!server || server.deletedAt !== null || server.projectId !== projectId) return null
  return metadataOf(server, zoneOfServer(server, await listAggregates(database.db), config.defaultZone))
}
