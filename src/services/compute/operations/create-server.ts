import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { Context } from '../../../platform/auth/context.ts'
import { lockOwner } from '../../../platform/db/owner-lock.ts'
import { buildServer } from '../conductor/build-server.ts'
import type { WantedPort } from '../conductor/ports.ts'
import type { ComputeDeps } from '../deps.ts'
import { BadRequest, Conflict, Forbidden, QuotaExceeded } from '../errors.ts'
import type { Flavor } from '../model/flavor.ts'
import { power, type ImageOfServer, type Server, type ServerKey } from '../model/server.ts'
import type { Hints } from '../scheduler/schedule.ts'
import { insertActions } from '../store/actions.ts'
import { listAggregates } from '../store/aggregates.ts'
import { findFlavor } from '../store/flavors.ts'
import { findKeypair } from '../store/keypairs.ts'
import { findGroup, membersOf } from '../store/server-groups.ts'
import { insertServer, usageOf } from '../store/servers.ts'
import { limitsOf } from './quotas.ts'
import { requireUsableNetwork, requireUsablePort } from './usable.ts'
import { requireMeant } from './image-properties.ts'
import { toHostname } from '../model/hostname.ts'

export interface NewServer {
  name: string
  hostname: string | null
  description: string | null
  imageId: string | null
  flavorId: string
  networks: WantedPort[] | 'auto' | 'none'
  securityGroups: string[]
  metadata: Record<string, string>
  tags: string[]
  keyName: string | null
  adminPass: string | null
  userData: string | null
  hasConfigDrive: boolean
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
  if (!flavor) throw new BadRequest(`Flavor ${input.flavorId} could not be found.`)
  const [image, key, networks, groups, zone] = await Promise.all([
    checkImage(ctx, deps, input.imageId, flavor),
    input.keyName === null ? undefined : findKeypair(database.db, ctx.userId, input.keyName),
    checkNetworks(ctx, deps, input),
    checkSecurityGroups(ctx, deps, input),
    checkZone(deps, input),
  ])
  if (input.keyName !== null && !key) throw new BadRequest('Invalid key_name provided.')
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
    zone,
    pinnedZone: zone,
    host: null,
    node: null,
    securityGroups: groups.map(({ name }) => name),
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
    securityGroupIds: groups.map(({ id }) => id).filter((id) => id !== ''),
    hints: { ...input.hints, requestedHost: input.requestedHost },
  }
  const { servers, go } = await database.transaction(async (tx) => {
    await lockOwner(database, tx, projectId)
    const limits = await limitsOf(tx, config, projectId)
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

async function checkImage(ctx: Context, deps: ComputeDeps, id: string | null, flavor: Flavor): Promise<ImageOfServer> {
  if (id === null) throw new BadRequest('Invalid imageRef provided.')
  const image = await deps.image.getImage(id, ctx.token)
  if (!image) throw new BadRequest('Can not find requested image')
  if (image.status !== 'active') throw new BadRequest(`Image ${id} is not active.`)
  if (image.diskFormat === null) throw new BadRequest(`Image ${id} is unacceptable: it has no disk format`)
  requireMeant(image.properties)
  if (image.minRam > flavor.memoryMb) throw new BadRequest("Flavor's memory is too small for requested image.")
  if (flavor.rootGb > 0) {
    const size = Math.max(image.size ?? 0, image.virtualSize ?? 0)
    if (size > flavor.rootGb * 1024 ** 3) {
      throw new BadRequest(
        `Flavor's disk is too small for requested image. Flavor disk is ${flavor.rootGb * 1024 ** 3} bytes, image is ${size} bytes.`,
      )
    }
    if (image.minDisk > flavor.rootGb) {
      throw new BadRequest(
        `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${flavor.rootGb * 1024 ** 3} bytes, minimum size is ${image.minDisk * 1024 ** 3} bytes.`,
      )
    }
  }
  return { id: image.id, diskFormat: image.diskFormat, properties: image.properties }
}

/** The networks as the user sees them: with his own token, so that foreign ones do not exist. */
async function checkNetworks(ctx: Context, { network }: ComputeDeps, { name, networks, maxCount }: NewServer) {
  if (networks === 'none' || networks === 'auto') return networks
  const ids = [
    ...new Set(networks.flatMap(({ networkId, portId }) => (portId === null && networkId ? [networkId] : []))),
  ]
  if (ids.length > 0) {
    const visible = await network.listNetworks({ ids }, ctx.token)
    const missing = ids.filter((id) => !visible.some((each) => each.id === id))
    if (missing.length > 0) throw new BadRequest(`Network ${missing.join(', ')} could not be found.`)
    for (const wanted of networks) {
      const found = visible.find(({ id }) => id === wanted.networkId)
      if (!found || wanted.portId !== null) continue
      requireUsableNetwork(ctx, found, wanted.fixedIp)
      wanted.network = { name: found.name, mtu: found.mtu }
    }
  }
  const ports = networks.flatMap(({ portId }) => portId ?? [])
  if (ports.length > 0 && maxCount > 1)
    throw new BadRequest(
      'Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.',
    )
  if (new Set(ports).size !== ports.length) throw new BadRequest('A port ID is used twice.')
  for (const id of ports) {
    const port = await network.getPort(id, ctx.token)
    if (!port) throw new BadRequest(`Port ${id} could not be found.`)
    requireUsablePort(port, ctx.projectId ?? '', name)
    if (port.deviceId !== '') throw new Conflict(`Port ${id} is still in use.`)
  }
  return networks
}

async function checkSecurityGroups(ctx: Context, { network }: ComputeDeps, { securityGroups, networks }: NewServer) {
  const wanted = [...new Set(securityGroups)]
  // The default group is what neutron gives a port anyway: the common case asks nobody.
  if (wanted.length === 0 || (wanted.length === 1 && wanted[0] === 'default')) return [{ id: '', name: 'default' }]
  if (networks === 'none') return []
  const known = await network.listSecurityGroups(ctx.projectId!, ctx.token)
  return wanted.map((nameOrId) => {
    const found = known.filter((group) => group.id === nameOrId || group.name === nameOrId)
    if (found.length === 0) throw new BadRequest(`Security group ${nameOrId} not found.`)
    if (found.length > 1 && !found.some((group) => group.id === nameOrId)) {
      throw new Conflict(`Multiple security groups found matching '${nameOrId}'. Use an ID to be more specific.`)
    }
    return found.find((group) => group.id === nameOrId) ?? found[0]!
  })
}

async function checkZone({ database, config }: ComputeDeps, { zone }: NewServer): Promise<string | null> {
  const wanted = zone ?? (config.defaultScheduleZone || null)
  if (wanted === null || wanted === config.defaultZone) return wanted
  const known = (await listAggregates(database.db)).some((each) => each.zone === wanted && each.hosts.length > 0)
  if (!known) throw new BadRequest('The requested availability zone is not available')
  return wanted
}

async function checkGroup(
  tx: ComputeDeps['database']['db'],
  ctx: Context,
  id: string,
  count: number,
  limit: number,
): Promise<void> {
  const group = await findGroup(tx, id)
  if (!group || group.projectId !== ctx.projectId) throw new BadRequest(`Instance group ${id} could not be found.`)
  const members = (await membersOf(tx, [id])).get(id)?.filter((each) => each.userId === ctx.userId).length ?? 0
  if (limit >= 0 && members + count > limit) throw new Forbidden('Quota exceeded, too many servers in group')
}

const letters = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const randomPassword = () => Array.from({ length: 12 }, () => letters[randomInt(letters.length)]).join('')
