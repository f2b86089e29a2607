import { NoValidHost } from '../errors.ts'
import type { ComputeDeps } from '../deps.ts'
import { resourcesOf } from '../model/flavor.ts'
import type { Host } from '../model/host.ts'
import type { Server } from '../model/server.ts'
import type { Hints } from '../rpc/scheduler.ts'
import { listAggregates } from '../store/aggregates.ts'
import { countHosts, listDisabledHosts, listHostsByIds } from '../store/hosts.ts'
import { findGroup } from '../store/server-groups.ts'
import { listGroupHosts, listServersByIds } from '../store/servers.ts'
import { takeHost } from './group-policy.ts'
import { applyFilters, explainRejections, type Facts, type Request } from './filters.ts'
import { sortByWeight } from './weighers.ts'

const claimRounds = 5

/**
 * Chooses a host and claims its resources. Servers of one group are placed one after the other, so that each choice
 * counts for the next. Throws NoValidHost with what stood in the way.
 */
export async function schedule(deps: ComputeDeps, server: Server, hints: Hints, triedHosts: readonly string[]) {
  const choose = () => chooseHost(deps, server, hints, triedHosts)
  return server.groupId === null ? choose() : deps.leases.exclusively(`server-group/${server.groupId}`, choose)
}

async function chooseHost(deps: ComputeDeps, server: Server, hints: Hints, triedHosts: readonly string[]) {
  const { placement } = deps
  const consumer = { id: server.id, projectId: server.projectId, userId: server.userId }
  for (let round = 1; ; round++) {
    for (const { host, candidate } of await candidatesFor(deps, server, hints, triedHosts)) {
      const claimed = (await placement.claim(consumer, candidate)) ? host : await earlierClaim(deps, server.id)
      if (!claimed) continue
      if (server.groupId === null) return placeOf(claimed)
      const taken = await takeHost(deps, server, claimed.host, { scheduledHost: claimed.host })
      if (!('violated' in taken)) return placeOf(claimed)
      // Another process placed a server of the group meanwhile: its choice counts in the next round.
      await placement.deleteAllocations(server.id)
      break
    }
    if (round === claimRounds) throw new NoValidHost('Every host was taken by others while it was being claimed.')
  }
}

/** Compute hosts with this trait are disabled: neither nova nor anybody else may place servers there. */
export const disabledTrait = 'COMPUTE_STATUS_DISABLED'

/**
 * The hosts that can have the server, best first. Only those that placement names are read, however many there are; when
 * none is left, the others too, to say why. Throws NoValidHost then.
 */
async function candidatesFor(deps: ComputeDeps, server: Server, hints: Hints, triedHosts: readonly string[]) {
  const { database, placement, config } = deps
  const { required, forbidden } = traitsOf(server)
  const [request, aggregates, candidates] = await Promise.all([
    requestOf(deps, server, hints, triedHosts),
    listAggregates(database.db),
    placement.allocationCandidates({
      resources: resourcesOf(server.flavor),
      required,
      forbidden: [...forbidden, disabledTrait],
      limit: config.maxCandidates,
    }),
  ])
  const byId = new Map(candidates.map((candidate) => [candidate.providerId, candidate]))
  const hosts = await listHostsByIds(database.db, [...byId.keys()])
  const facts = {
    downTimeS: config.serviceDownTime,
    defaultZone: config.defaultZone,
    aggregates,
    enabledFilters: config.enabledFilters,
  }
  const { hosts: passed } = applyFilters(hosts, request, facts)
  if (passed.length === 0) throw new NoValidHost(await whyNone(deps, hosts, request, facts))
  const placeable = passed.map((host) => ({ host, candidate: byId.get(host.id)! }))
  return sortByWeight(placeable, request)
}

/** What stood in the way of all hosts, of which placement named `candidates`. */
async function whyNone({ database }: ComputeDeps, candidates: readonly Host[], request: Request, facts: Facts) {
  const named = new Set(candidates.map(({ id }) => id))
  // Placement leaves disabled ones out; the filter says why.
  const disabled = (await listDisabledHosts(database.db)).filter(({ id }) => !named.has(id))
  const { rejections } = applyFilters([...candidates, ...disabled], request, facts)
  const count = await countHosts(database.db)
  const short = count - candidates.length - disabled.length
  const parts = [
    ...(count === 0 ? ['no compute host has reported yet'] : []),
    ...(short > 0
      ? [`placement rejected ${short} host${short === 1 ? '' : 's'} (not enough free VCPU, MEMORY_MB or DISK_GB)`]
      : []),
    ...(rejections.length > 0 ? [explainRejections(rejections)] : []),
  ]
  return `There are not enough hosts available. ${parts.join(', ')}.`
}

const placeOf = (host: Host) => ({ host: host.host, node: host.report.hypervisorHostname, providerId: host.id })

/** A claim that a process made just before it was killed is this build's own. */
async function earlierClaim({ placement, database }: ComputeDeps, serverId: string): Promise<Host | undefined> {
  const [held] = await placement.getAllocations(serverId)
  if (!held) return undefined
  const [host] = await listHostsByIds(database.db, [held.providerId])
  if (!host) await placement.deleteAllocations(serverId)
  return host
}

async function requestOf(
  { database }: ComputeDeps,
  server: Server,
  hints: Hints,
  triedHosts: readonly string[],
): Promise<Request> {
  const { db } = database
  const group = server.groupId === null ? undefined : await findGroup(db, server.groupId)
  const groupHosts = group ? await listGroupHosts(db, group.id, server.id) : []
  const named = await listServersByIds(db, [...hints.differentHost, ...hints.sameHost])
  const hostsOf = (ids: string[]) =>
    named
      .filter((each) => ids.includes(each.id) && each.projectId === server.projectId && each.host !== null)
      .map((each) => each.host!)
  return {
    zone: server.pinnedZone,
    image: server.image?.properties ?? {},
    group: group ?? null,
    groupHosts,
    differentHosts: hostsOf(hints.differentHost),
    sameHosts: hints.sameHost.length > 0 ? hostsOf(hints.sameHost) : null,
    requestedHost: hints.requestedHost,
    triedHosts,
  }
}

/** `trait:X=required` of flavor and image. */
function traitsOf(server: Server): { required: string[]; forbidden: string[] } {
  const all = Object.entries({ ...server.image?.properties, ...server.flavor.extraSpecs })
  const named = (value: string) =>
    all.filter(([key, each]) => key.startsWith('trait:') && each === value).map(([key]) => key.slice(6))
  return { required: named('required'), forbidden: named('forbidden') }
}
