/** Config drives as agents get them. What is random or comes from others is fetched once and kept. */
import { vendorDataOf, VendorDataFailed } from '../clients/vendor-data.ts'
import type { ComputeDeps } from '../deps.ts'
import { BuildFailed } from '../errors.ts'
import { configDriveFiles } from '../metadata/config-drive.ts'
import type { Server } from '../model/server.ts'
import { metadataOf, newRandomSeed, zoneOfServer } from '../operations/server-metadata.ts'
import type { DesiredServer } from '../rpc/conductor.ts'
import { listAggregates } from '../store/aggregates.ts'
import { listConfigDriveSeeds, saveConfigDriveSeed, type ConfigDriveSeed } from '../store/guest-data.ts'

/** Before a host is asked for the guest: vendordata that must be there and are not fail the build. */
export async function prepareConfigDrive(deps: ComputeDeps, server: Server): Promise<void> {
  const { database, config, log } = deps
  if (!server.hasConfigDrive || (await listConfigDriveSeeds(database.db, [server.id])).has(server.id)) return
  try {
    const vendorData = await vendorDataOf(config, log, server)
    await saveConfigDriveSeed(database, server.id, { randomSeed: newRandomSeed(), vendorData })
  } catch (error) {
    if (!(error instanceof VendorDataFailed)) throw error
    throw new BuildFailed('The config drive of the server could not be made.', error.message, { isFinal: true })
  }
}

/** The drives of those servers that have one, by server. */
export async function configDrivesOf(
  deps: ComputeDeps,
  servers: readonly Server[],
): Promise<Map<string, NonNullable<DesiredServer['configDrive']>>> {
  const { database, config } = deps
  const wanting = servers.filter((server) => server.hasConfigDrive && server.desiredPower !== 'absent')
  if (wanting.length === 0) return new Map()
  const ids = wanting.map(({ id }) => id)
  const [seeds, aggregates] = await Promise.all([listConfigDriveSeeds(database.db, ids), listAggregates(database.db)])
  const skip = config.configDriveSkipVersions.split(' ')
  const drives = wanting.map(async (server) => {
    const { randomSeed, vendorData } = seeds.get(server.id) ?? (await seedOfOlder(deps, server))
    const zone = zoneOfServer(server, aggregates, config.defaultZone)
    const metadata = { ...metadataOf(server, { zone, domain: config.dhcpDomain }), adminPass: server.adminPass }
    const sources = { randomSeed: () => randomSeed, vendorData: async () => vendorData }
    const files = await configDriveFiles(metadata, sources, skip)
    return [server.id, { format: config.configDriveFormat as 'iso9660' | 'vfat', ...files }] as const
  })
  return new Map(await Promise.all(drives))
}

/** A server that was built before drives had a seed. */
async function seedOfOlder({ database }: ComputeDeps, { id }: Server): Promise<ConfigDriveSeed> {
  const seed = { randomSeed: newRandomSeed(), vendorData: { file: {}, all: { static: {} } } }
  await saveConfigDriveSeed(database, id, seed)
  return seed
}
