/**
 * What a guest can read about itself, as files: nova's OpenStack tree, and the EC2 tree. The metadata service and the
 * config drive serve the same files. Source: nova's user guide "Metadata", Amazon's EC2 metadata layout.
 */

export interface ServerMetadata {
  id: string
  name: string
  hostname: string
  projectId: string
  availabilityZone: string
  launchIndex: number
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
  imageId: string
}

export interface MetadataPort {
  id: string
  mac: string
  mtu: number
  networkId: string
  tap: string
  addresses: readonly {
    subnetId: string
    cidr: string
    ip: string
    gateway: string | null
    dns: readonly string[]
    isDhcp: boolean
  }[]
}

/** Path to content. */
export type Files = Readonly<Record<string, Buffer>>

const openstackVersions = [
  '2012-08-10',
  '2013-04-04',
  '2013-10-17',
  '2015-10-15',
  '2016-06-30',
  '2016-10-06',
  '2017-02-22',
  '2018-08-27',
  '2020-10-14',
  'latest',
]

const ec2Versions = [
  '1.0',
  '2007-01-19',
  '2007-03-01',
  '2007-08-29',
  '2007-10-10',
  '2007-12-15',
  '2008-02-01',
  '2008-09-01',
  '2009-04-04',
  'latest',
]

const json = (value: unknown) => Buffer.from(JSON.stringify(value))

/** Every file of the metadata service, by path without a leading slash. */
export function metadataFiles(server: ServerMetadata): Files {
  const files: Record<string, Buffer> = {}
  for (const version of openstackVersions) Object.assign(files, below(`openstack/${version}`, openstackFiles(server)))
  for (const version of ec2Versions) Object.assign(files, below(version, ec2Files(server)))
  return files
}

/** The files of a config drive: the newest OpenStack version under its date and as `latest`, and EC2's. */
export function configDriveFiles(server: ServerMetadata): Record<string, string> {
  const files = {
    ...below('openstack/latest', openstackFiles(server)),
    ...below('openstack/2020-10-14', openstackFiles(server)),
    'ec2/latest/meta-data.json': json(ec2Object(server)),
    ...(server.userData !== null && { 'ec2/latest/user-data': Buffer.from(server.userData, 'base64') }),
  }
  return Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, bytes.toString('base64')]))
}

const below = (folder: string, files: Record<string, Buffer>): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`${folder}/${path}`, bytes]))

function openstackFiles(server: ServerMetadata): Record<string, Buffer> {
  return {
    'meta_data.json': json(metaData(server)),
    'network_data.json': json(networkData(server)),
    'vendor_data.json': json({}),
    'vendor_data2.json': json({}),
    ...(server.userData !== null && { user_data: Buffer.from(server.userData, 'base64') }),
  }
}

function metaData(server: ServerMetadata) {
  const hasKeys = server.keys.length > 0
  return {
    uuid: server.id,
    name: server.name,
    hostname: server.hostname,
    availability_zone: server.availabilityZone,
    launch_index: server.launchIndex,
    project_id: server.projectId,
    devices: [],
    dedicated_cpus: [],
    ...(Object.keys(server.metadata).length > 0 && { meta: server.metadata }),
    ...(hasKeys && {
      public_keys: Object.fromEntries(server.keys.map((key) => [key.name, key.publicKey])),
      keys: server.keys.map((key) => ({ name: key.name, type: key.type, data: key.publicKey })),
    }),
    ...(server.adminPass !== null && { admin_pass: server.adminPass }),
  }
}

function networkData(server: ServerMetadata) {
  const links = server.ports.map((port) => ({
    id: port.tap,
    vif_id: port.id,
    type: 'bridge',
    mtu: port.mtu,
    ethernet_mac_address: port.mac,
  }))
  const networks = server.ports.flatMap((port) =>
    port.addresses.map((address, index) => {
      const isV6 = address.ip.includes(':')
      return {
        id: `network${index}`,
        type: `ipv${isV6 ? 6 : 4}${address.isDhcp ? '_dhcp' : ''}`,
        link: port.tap,
        network_id: port.networkId,
        ...(!address.isDhcp && {
          ip_address: address.ip,
          netmask: address.cidr.split('/')[1],
          gateway: address.gateway,
        }),
      }
    }),
  )
  const dns = [...new Set(server.ports.flatMap((port) => port.addresses.flatMap((address) => address.dns)))]
  return { links, networks, services: dns.map((address) => ({ type: 'dns', address })) }
}

/** EC2's view: nested values become folders, keys a list `0=name`. */
function ec2Object(server: ServerMetadata) {
  const addresses = server.ports.flatMap((port) => port.addresses.map((address) => address.ip))
  const ipv4 = addresses.find((ip) => !ip.includes(':')) ?? ''
  return {
    'ami-id': `ami-${server.imageId.slice(0, 8)}`,
    'ami-launch-index': String(server.launchIndex),
    'ami-manifest-path': 'FIXME', // nova's own value, which guests have seen for a decade
    hostname: server.hostname,
    'instance-action': 'none',
    'instance-id': `i-${server.id.replaceAll('-', '').slice(0, 8)}`,
    'instance-type': server.flavorName,
    'local-hostname': server.hostname,
    'local-ipv4': ipv4,
    placement: { 'availability-zone': server.availabilityZone },
    'public-hostname': server.hostname,
    'public-ipv4': server.floatingIps[0] ?? '',
    'reservation-id': `r-${server.id.replaceAll('-', '').slice(0, 8)}`,
    'security-groups': server.securityGroups.join('\n'),
  }
}

function ec2Files(server: ServerMetadata): Record<string, Buffer> {
  const files: Record<string, Buffer> = {}
  for (const [name, value] of Object.entries(ec2Object(server))) {
    if (typeof value === 'string') files[`meta-data/${name}`] = Buffer.from(value)
    else for (const [inner, text] of Object.entries(value)) files[`meta-data/${name}/${inner}`] = Buffer.from(text)
  }
  for (const [index, key] of server.keys.entries()) {
    files[`meta-data/public-keys/${index}/openssh-key`] = Buffer.from(key.publicKey)
  }
  if (server.userData !== null) files['user-data'] = Buffer.from(server.userData, 'base64')
  return files
}

/**
 * What the metadata service answers for a path: a file, or the listing of a folder (folders end in `/`, keys are
 * listed as `0=name`); undefined when there is neither.
 */
export function lookUp(server: ServerMetadata, files: Files, path: string): Buffer | undefined {
  const clean = path.replace(/^\/+|\/+$/g, '')
  if (Object.hasOwn(files, clean)) return files[clean]
  const prefix = clean === '' ? '' : `${clean}/`
  // As in nova the root is EC2's; the OpenStack tree is there for who knows of it.
  const isListed = (file: string) => file.startsWith(prefix) && !(clean === '' && file.startsWith('openstack/'))
  const inside = Object.keys(files).filter(isListed)
  if (inside.length === 0) return undefined
  if (clean.endsWith('/public-keys')) {
    return Buffer.from(server.keys.map((key, index) => `${index}=${key.name}`).join('\n'))
  }
  const names = inside.map((file) => {
    const rest = file.slice(prefix.length)
    const slash = rest.indexOf('/')
    return slash < 0 ? rest : rest.slice(0, slash + 1)
  })
  // nova lists versions and the OpenStack tree without the slash
  const plain = clean === '' || clean === 'openstack'
  return Buffer.from([...new Set(names)].map((name) => (plain ? name.replace(/\/$/, '') : name)).join('\n'))
}
