/** The EC2 tree. Source: nova/api/metadata/base.py (get_ec2_metadata, ec2_md_print), Amazon's metadata layout. */
import type { ServerMetadata } from './document.ts'

/** Oldest first: a date has what all earlier ones have. */
export const ec2Versions = [
  '1.0',
  '2007-01-19',
  '2007-03-01',
  '2007-08-29',
  '2007-10-10',
  '2007-12-15',
  '2008-02-01',
  '2008-09-01',
  '2009-04-04',
] as const
export type Ec2Version = (typeof ec2Versions)[number]

export type Ec2Value = string | number | readonly string[] | Ec2Folder
export interface Ec2Folder {
  readonly [name: string]: Ec2Value
}

/** A folder with this entry is listed by it and not by its own name. */
const listedAs = '_name'

export const ec2Version = (folder: string | undefined): Ec2Version | undefined =>
  folder === 'latest' ? ec2Versions.at(-1) : ec2Versions.find((version) => version === folder)

/** `address` is where the guest asks from, for one whose ports have no IPv4 address. */
export function ec2MetaData(server: ServerMetadata, at: Ec2Version, address = ''): Ec2Folder {
  const ips = server.ports.flatMap((port) => port.addresses.map(({ ip }) => ip))
  const since = (version: Ec2Version, values: Ec2Folder) =>
    ec2Versions.indexOf(at) >= ec2Versions.indexOf(version) ? values : {}
  const [key] = server.keys
  const { hostname, kernelId, ramdiskId } = server
  return {
    'ami-id': `ami-${short(server.imageId)}`,
    'ami-launch-index': server.launchIndex,
    'ami-manifest-path': 'FIXME', // nova's own value, which guests have seen for a decade
    'instance-id': `i-${short(server.id)}`,
    hostname,
    'local-ipv4': ips.find((ip) => !ip.includes(':')) ?? address,
    'reservation-id': server.reservationId,
    'security-groups': server.securityGroups,
    ...(key && { 'public-keys': { '0': { [listedAs]: `0=${key.name}`, 'openssh-key': key.publicKey } } }),
    ...since('2007-01-19', {
      'local-hostname': hostname,
      'public-hostname': hostname,
      'public-ipv4': server.floatingIps[0] ?? '',
    }),
    ...since('2007-08-29', { 'instance-type': server.flavorName }),
    ...since('2007-12-15', {
      'block-device-mapping': blockDeviceMapping(server),
      ...(kernelId !== null && { 'kernel-id': `aki-${short(kernelId)}` }),
      ...(ramdiskId !== null && { 'ramdisk-id': `ari-${short(ramdiskId)}` }),
    }),
    ...since('2008-02-01', { placement: { 'availability-zone': server.availabilityZone } }),
    ...since('2008-09-01', { 'instance-action': 'none' }),
  }
}

const isFolder = (value: Ec2Value): value is Ec2Folder => typeof value === 'object' && !Array.isArray(value)

/** EC2 counts in eight hexadecimal digits. */
const short = (id: string) => id.replaceAll('-', '').slice(0, 8)

function blockDeviceMapping({ blockDevices }: ServerMetadata): Ec2Folder {
  const { root } = blockDevices
  return root === undefined ? { ...blockDevices } : { ami: root.replace(/^\/dev\//, ''), ...blockDevices }
}

/** The value at a path below a version; undefined where there is none. */
export function ec2Value(server: ServerMetadata, at: Ec2Version, path: readonly string[], address?: string) {
  if (path.length === 1 && path[0] === 'user-data') {
    return server.userData === null ? undefined : Buffer.from(server.userData, 'base64')
  }
  let value: Ec2Value | undefined = {
    'meta-data': ec2MetaData(server, at, address),
    ...(server.userData !== null && { 'user-data': '' }),
  }
  for (const name of path) {
    if (value === undefined || !isFolder(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

/** A value as text; of a folder its names in order, those of folders with a slash. */
export function printEc2(value: Ec2Value): string {
  if (!isFolder(value)) return typeof value === 'object' ? value.join('\n') : String(value)
  const names = Object.keys(value).filter((name) => name !== listedAs)
  return names
    .toSorted()
    .map((name) => nameOf(name, value[name]!))
    .join('\n')
}

function nameOf(name: string, value: Ec2Value): string {
  if (!isFolder(value)) return name
  const other = value[listedAs]
  return other === undefined ? `${name}/` : printEc2(other)
}
