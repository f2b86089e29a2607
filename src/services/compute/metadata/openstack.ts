/** nova's OpenStack tree, date by date. Source: nova/api/metadata/base.py, nova's user guide "Metadata". */
import { json, type ServerMetadata, type Sources } from './document.ts'
import { networkData } from './network-data.ts'

/** Oldest first: a date has what all earlier ones have. */
export const openstackVersions = [
  '2012-08-10',
  '2013-04-04',
  '2013-10-17',
  '2015-10-15',
  '2016-06-30',
  '2016-10-06',
  '2017-02-22',
  '2018-08-27',
  '2020-10-14',
] as const
export type OpenstackVersion = (typeof openstackVersions)[number]

interface MetadataFile {
  since: OpenstackVersion
  /** Answered, though not listed, at earlier dates too: nova does. */
  isOlder?: true
  read(server: ServerMetadata, at: OpenstackVersion, sources: Sources): Promise<Buffer | undefined> | Buffer | undefined
}

/** In the order of a listing. */
const files: Readonly<Record<string, MetadataFile>> = {
  'meta_data.json': { since: '2012-08-10', read: (server, at, sources) => json(metaData(server, at, sources)) },
  user_data: {
    since: '2012-08-10',
    read: ({ userData }) => (userData === null ? undefined : Buffer.from(userData, 'base64')),
  },
  'vendor_data.json': {
    since: '2013-10-17',
    async read(_server, _at, { vendorData }) {
      const { file } = await vendorData()
      return file === undefined ? undefined : json(file)
    },
  },
  'network_data.json': { since: '2015-10-15', isOlder: true, read: ({ ports }) => json(networkData(ports)) },
  'vendor_data2.json': {
    since: '2016-10-06',
    read: async (_server, _at, { vendorData }) => json((await vendorData()).all),
  },
}

/** Guests write it, and no drive has it. */
export const passwordFile = 'password'
export const passwordSince: OpenstackVersion = '2013-04-04'
/** Those of a config drive. */
export const driveFiles = Object.keys(files)
const listing = driveFiles.toSpliced(2, 0, passwordFile)

/** The date that a folder's name stands for. */
export const openstackVersion = (folder: string | undefined): OpenstackVersion | undefined =>
  folder === 'latest' ? openstackVersions.at(-1) : openstackVersions.find((version) => version === folder)

/** What a folder lists: as nova, files that there may be. */
export function listOpenstackFiles({ userData }: ServerMetadata, at: OpenstackVersion): string[] {
  return listing.filter((name) => {
    if (name === 'user_data') return userData !== null
    return at >= (name === passwordFile ? passwordSince : files[name]!.since)
  })
}

/** One file of a date; undefined when there is none. `isListed` leaves out what only nova's service gives. */
export async function openstackFile(
  server: ServerMetadata,
  at: OpenstackVersion,
  name: string,
  sources: Sources,
  { isListed = false } = {},
): Promise<Buffer | undefined> {
  const file = Object.hasOwn(files, name) ? files[name]! : undefined
  if (!file || (at < file.since && (isListed || !file.isOlder))) return undefined
  return await file.read(server, at, sources)
}

/** Where the content of an injected file is, below the tree. */
export const contentPath = (index: number) => `/content/${String(index).padStart(4, '0')}`

const toContentPath = ({ path }: { path: string }, index: number) => ({ path, content_path: contentPath(index) })

function metaData(server: ServerMetadata, at: OpenstackVersion, { randomSeed }: Sources) {
  const hasKeys = server.keys.length > 0
  return {
    uuid: server.id,
    ...(Object.keys(server.metadata).length > 0 && { meta: server.metadata }),
    ...(server.injectedFiles.length > 0 && { files: server.injectedFiles.map(toContentPath) }),
    ...(server.adminPass !== null && { admin_pass: server.adminPass }),
    ...(hasKeys && {
      public_keys: Object.fromEntries(server.keys.map((key) => [key.name, key.publicKey])),
      keys: server.keys.map((key) => ({ name: key.name, type: key.type, data: key.publicKey })),
    }),
    hostname: server.hostname,
    name: server.name,
    launch_index: server.launchIndex,
    availability_zone: server.availabilityZone,
    ...(at >= '2013-04-04' && { random_seed: randomSeed() }),
    ...(at >= '2015-10-15' && { project_id: server.projectId }),
    ...(at >= '2016-06-30' && { devices: devices(server, at) }),
    // No processor belongs to one guest alone here.
    ...(at >= '2020-10-14' && { dedicated_cpus: [] }),
  }
}

/** Network cards with a tag, as nova has it. Where QEMU puts a card is between its host and the guest. */
const devices = ({ ports }: ServerMetadata, at: OpenstackVersion) =>
  ports.flatMap(({ mac, tag }) =>
    tag === null
      ? []
      : [
          {
            ...(at >= '2018-08-27' && { vf_trusted: false }),
            type: 'nic',
            mac,
            bus: 'pci',
            address: 'none',
            tags: [tag],
          },
        ],
  )
