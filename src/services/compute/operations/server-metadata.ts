import { randomBytes } from 'node:crypto'
import { tapName } from '../../../base/device-names.ts'
import { vendorDataOf } from '../clients/vendor-data.ts'
import type { ComputeDeps } from '../deps.ts'
import type { MetadataPort, ServerMetadata, Sources } from '../metadata/document.ts'
import { blockDevicesOf } from '../model/block-devices.ts'
import { zoneOf, type Aggregate } from '../model/host.ts'
import type { Server, ServerPort } from '../model/server.ts'
import { listAggregates } from '../store/aggregates.ts'
import { deletePassword, findPassword, insertPassword } from '../store/guest-data.ts'
import { findServer } from '../store/servers.ts'

/** The zone that users see. */
export const zoneOfServer = (
  server: Pick<Server, 'host' | 'pinnedZone'>,
  aggregates: readonly Aggregate[],
  fallback: string,
): string => (server.host === null ? (server.pinnedZone ?? fallback) : zoneOf(server.host, aggregates, fallback))

/** What a server may read about itself; the password is the config drive's affair. */
export function metadataOf(server: Server, options: { zone: string; domain: string }): ServerMetadata {
  const { image, hostname } = server
  return {
    id: server.id,
    name: server.name,
    hostname: options.domain === '' ? hostname : `${hostname}.${options.domain}`,
    projectId: server.projectId,
    availabilityZone: options.zone,
    launchIndex: server.launchIndex,
    reservationId: server.reservationId,
    metadata: server.metadata,
    keys: server.keys,
    userData: server.userData,
    flavorName: server.flavor.name,
    ports: server.ports.map(portMetadata),
    floatingIps: server.ports.flatMap((port) => port.floatingIps ?? []),
    securityGroups: server.securityGroups,
    adminPass: null,
    injectedFiles: server.injectedFiles,
    imageId: image?.id ?? '',
    kernelId: image?.properties['kernel_id'] ?? null,
    ramdiskId: image?.properties['ramdisk_id'] ?? null,
    blockDevices: blockDevicesOf(server),
  }
}

const portMetadata = (port: ServerPort): MetadataPort => ({
  id: port.id,
  mac: port.mac,
  mtu: port.mtu,
  networkId: port.networkId,
  tap: tapName(port.id),
  vifType: port.vifType ?? 'bridge',
  tag: port.tag,
  addresses: port.fixedIps.map((ip) => {
    const subnet = port.subnets.find((each) => each.id === ip.subnetId)
    return {
      subnetId: ip.subnetId,
      cidr: subnet?.cidr ?? `${ip.address}/${ip.version === 4 ? 32 : 128}`,
      ip: ip.address,
      gateway: subnet?.gatewayIp ?? null,
      dns: subnet?.dnsNameservers ?? [],
      isDhcp: subnet?.enableDhcp ?? false,
      ipv6AddressMode: subnet?.ipv6AddressMode ?? null,
      routes: subnet?.hostRoutes ?? [],
    }
  }),
})

/** 512 bytes, base64. */
export const newRandomSeed = (): string => randomBytes(512).toString('base64')

/** What the metadata service answers one server from. */
export interface MetadataSource {
  server: ServerMetadata
  sources: Sources
}

/** For the metadata service; null when the project has no such server. */
export async function getServerMetadata(
  { database, config, log }: ComputeDeps,
  id: string,
  projectId: string,
): Promise<MetadataSource | null> {
  const server = await findServer(database.db, id)
  if (!server || server.deletedAt !== null || server.projectId !== projectId) return null
  const zone = zoneOfServer(server, await listAggregates(database.db), config.defaultZone)
  return {
    server: metadataOf(server, { zone, domain: config.dhcpDomain }),
    sources: { vendorData: () => vendorDataOf(config, log, server), randomSeed: newRandomSeed },
  }
}

/** The password that a guest tells its users; empty for none. */
export const getGuestPassword = async ({ database }: Pick<ComputeDeps, 'database'>, id: string): Promise<string> =>
  (await findPassword(database.db, id)) ?? ''

/** The guest may tell another one then. */
export const clearGuestPassword = ({ database }: Pick<ComputeDeps, 'database'>, id: string): Promise<void> =>
  deletePassword(database.db, id)

/** False when the guest told one before. An empty one is none. */
export const setGuestPassword = async (
  { database }: Pick<ComputeDeps, 'database'>,
  id: string,
  password: string,
): Promise<boolean> =>
  password === '' ? (await findPassword(database.db, id)) === null : insertPassword(database, id, password)
