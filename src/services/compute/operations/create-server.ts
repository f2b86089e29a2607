import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { Context } from '../../../platform/auth/context.ts'
import { lockOwner } from '../../../platform/db/owner-lock.ts'
import { buildServer } from '../conductor/build-server.ts'
import type { WantedPort } from '../conductor/ports.ts'
import type { ComputeDeps } from '../deps.ts'
import { Invalid, Forbidden, QuotaExceeded } from '../errors.ts'
import type { Flavor } from '../model/flavor.ts'
import { power, type InjectedFile, type Server, type ServerKey } from '../model/server.ts'
import type { Hints } from '../rpc/scheduler.ts'
import { insertActions } from '../store/actions.ts'
import { findFlavor } from '../store/flavors.ts'
import { findKeypair } from '../store/keypairs.ts'
import { insertServer, usageOf } from '../store/servers.ts'
import { autoDiskOf, checkFiles, checkGroup, checkImage, checkZone } from './new-server-checks.ts'
import { limitsOf } from './quotas.ts'
import { checkNetworks, checkSecurityGroups } from './server-networks.ts'
import { toHostname } from '../model/hostname.ts'

export interface NewServer {
  name: string
  hostname: string | null
  description: string | null
  imageId: string | null
  flavorId: string
  /** `default`: the project's one network, where it has one. */
  networks: WantedPort[] | 'auto' | 'none' | 'default'
  securityGroups: string[]
  metadata: Record<string, string>
  tags: string[]
  keyName: string | null
  adminPass: string | null
  userData: string | null
  hasConfigDrive: boolean
  /** Null where the request says nothing. */
  hasAutoDisk: boolean | null
  injectedFiles: InjectedFile[]
  zone: string | null
  requestedHost: string | null
  hints: Omit<Hints, 'requestedHost'>
  minCount: number
  maxCount: number
  accessIpv4: string | null
  accessIpv6: string | null
}

export interface Created {
  servers: Server[]
  adminPass: string
  reservationId: string
}

/** Checks everything that can be told now, writes the servers within the quota, and sets their builds going. */
export async function createServers(ctx: Context, deps: ComputeDeps, input: NewServer): Promise<Created> {
  const { database, config } = deps
  const projectId = ctx.projectId!
  const flavor = await findFlavor(database.db, input.flavorId, { projectId, isAdmin: ctx.isAdmin })
  if (!flavor) throw new Invalid(`Flavor ${input.flavorId} could not be found.`)
  const [image, key, checked, zone] = await Promise.all([
    checkImage(ctx, deps, input, flavor),
    input.keyName === null ? undefined : findKeypair(database.db, ctx.userId, input.keyName),
    checkNetworks(ctx, deps, input),
    checkZone(deps, input),
  ])
  const groups = await checkSecurityGroups(ctx, deps, input.securityGroups, checked)
  const { networks } = checked
  if (input.keyName !== null && !key) throw new Invalid('Invalid key_name provided.')
  const keys: ServerKey[] = key ? [{ name: key.name, publicKey: key.publicKey, type: key.type }] : []
  const adminPass = input.adminPass ?? randomPassword()
  const isDriveNeeded = image.properties['img_config_drive'] === 'mandatory'
  const hasConfigDrive = input.hasConfigDrive || config.forceConfigDrive || isDriveNeeded
  const reservationId = `r-${randomBytes(4).toString('hex')}`
  const now = deps.now()
  const base: Omit<Server, 'id' | 'name' | 'hostname' | 'launchIndex' | 'seq'> = {
    projectId,
    userId: ctx.userId,
    description: input.description,
    vmState: 'building',
    taskState: 'scheduling',
    taskSince: now,
    powerState: power.none,
    reservationId,
    flavor,
    image,
    keyName: key?.name ?? null,
    keys,
    userData: input.userData,
    adminPass: hasConfigDrive ? adminPass : null,
    hasConfigDrive,
    hasAutoDisk: autoDiskOf(input.hasAutoDisk, image),
    injectedFiles: input.injectedFiles,
    zone,
    pinnedZone: zone,
    host: null,
    node: null,
    scheduledHost: null,
    securityGroups: groups.names,
    metadata: input.metadata,
    tags: input.tags,
    ports: [],
    givenPorts: Array.isArray(networks) ? networks.flatMap(({ portId }) => portId ?? []) : [],
    groupId: input.hints.group ?? null,
    accessIpv4: input.accessIpv4,
    accessIpv6: input.accessIpv6,
    lockedBy: null,
    lockedReason: null,
    fault: null,
    desiredPower: 'shutdown',
    revision: 1,
    rebootGeneration: 0,
    rebootType: 'SOFT',
    reportedRevision: 0,
    reportedPower: null,
    reportedError: null,
    reportedReboot: 0,
    triedHosts: [],
    requestId: ctx.requestId,
    isLeftover: false,
    createdAt: now,
    updatedAt: now,
    launchedAt: null,
    terminatedAt: null,
    deletedAt: null,
  }
  const data = {
    networks,
    securityGroupIds: groups.ids,
    hints: { ...input.hints, requestedHost: input.requestedHost },
  }
  const { servers, go } = await database.transaction(async (tx) => {
    await lockOwner(database, tx, projectId)
    const limits = await limitsOf(tx, config, projectId)
    checkFiles(input.injectedFiles, limits)
    const count = fit(await usageOf(tx, projectId), limits, flavor, input)
    if (input.hints.group !== undefined)
      await checkGroup(tx, ctx, input.hints.group, count, limits['server_group_members'] ?? -1)
    const starts: (() => void)[] = []
    const made = Array.from({ length: count }, (_, launchIndex): Server => {
      const name = input.maxCount > 1 ? `${input.name}-${launchIndex + 1}` : input.name
      const hostname = input.hostname ?? toHostname(name)
      return { ...base, id: randomUUID(), seq: now, name, hostname, launchIndex }
    })
    for (const server of made) {
      await insertServer(tx, server)
      starts.push(await deps.sagas.create(tx, buildServer, { resourceId: server.id, requestId: ctx.requestId, data }))
    }
    await insertActions(
      tx,
      made.map(({ id }) => ({
        serverId: id,
        requestId: ctx.requestId,
        action: 'create',
        userId: ctx.userId,
        projectId,
      })),
      now,
    )
    return { servers: made, go: starts }
  })
  for (const start of go) start()
  return { servers, adminPass, reservationId }
}

/** How many of the wanted servers the quota allows, at least the minimum. */
function fit(
  used: { instances: number; cores: number; ram: number },
  limits: Record<string, number>,
  flavor: Flavor,
  { minCount, maxCount, metadata }: NewServer,
): number {
  const items = Object.keys(metadata).length
  const itemLimit = limits['metadata_items'] ?? -1
  if (itemLimit >= 0 && items > itemLimit) throw new Forbidden(`Maximum number of metadata items exceeds ${itemLimit}`)
  const each = { instances: 1, cores: flavor.vcpus, ram: flavor.memoryMb }
  let count = maxCount
  const short: (keyof typeof each)[] = []
  for (const resource of Object.keys(each) as (keyof typeof each)[]) {
    const limit = limits[resource] ?? -1
    if (limit < 0 || each[resource] === 0) continue
    const room = Math.max(0, Math.floor((limit - used[resource]) / each[resource]))
    if (room < minCount) short.push(resource)
    count = Math.min(count, room)
  }
  if (short.length > 0) {
    const list = (values: number[]) => values.join(', ')
    const name = short.join(', ')
    throw new QuotaExceeded(
      name,
      list(short.map((resource) => each[resource] * minCount)),
      list(short.map((resource) => used[resource])),
      list(short.map((resource) => limits[resource]!)),
    )
  }
  return count
}

const letters = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const randomPassword = () => Array.from({ length: 12 }, () => letters[randomInt(letters.length)]).join('')
