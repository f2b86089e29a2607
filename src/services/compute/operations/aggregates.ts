import type { ComputeDeps } from '../deps.ts'
import { Invalid, Conflict, NotFound } from '../errors.ts'
import { zoneOf, type Aggregate } from '../model/host.ts'
import { listAggregates, saveAggregate } from '../store/aggregates.ts'
import { listHosts } from '../store/hosts.ts'
import { listHostServers } from '../store/servers.ts'

/** Changes an aggregate in one transaction, unless it would move running servers to another zone. */
export async function changeAggregate(
  deps: ComputeDeps,
  id: string,
  change: (aggregate: Aggregate, all: readonly Aggregate[]) => Partial<Aggregate>,
): Promise<Aggregate> {
  const { database, config, now } = deps
  return database.transaction(async (tx) => {
    const all = await listAggregates(tx)
    const aggregate = all.find((each) => String(each.id) === id)
    if (!aggregate) throw new NotFound(`Aggregate ${id} could not be found.`)
    const changed: Aggregate = { ...aggregate, ...change(aggregate, all), updatedAt: now() }
    if (all.some((each) => each.id !== changed.id && each.name === changed.name))
      throw new Conflict(`Aggregate ${changed.name} already exists.`)
    const after = all.map((each) => (each.id === changed.id ? changed : each))
    for (const host of new Set([...aggregate.hosts, ...changed.hosts])) {
      if (zoneOf(host, all, config.defaultZone) === zoneOf(host, after, config.defaultZone)) continue
      const servers = (await listHostServers(tx, host)).filter(({ deletedAt }) => deletedAt === null)
      if (servers.length > 0)
        throw new Conflict(
          `One or more hosts contain instances in this zone: ${host}. Cannot change the availability zone of the host.`,
        )
    }
    await saveAggregate(tx, changed)
    return changed
  })
}

/** A host can be of one zone only. */
export function withHost(aggregate: Aggregate, all: readonly Aggregate[], host: string): Partial<Aggregate> {
  if (aggregate.hosts.includes(host))
    throw new Conflict(`Cannot add host to aggregate ${aggregate.id}. Reason: Host ${host} already member.`)
  const other = all.find(
    (each) =>
      each.zone !== null && aggregate.zone !== null && each.zone !== aggregate.zone && each.hosts.includes(host),
  )
  if (other)
    throw new Conflict(
      `Cannot add host to aggregate ${aggregate.id}. Reason: One or more hosts already in availability zone(s) ['${other.zone}'].`,
    )
  return { hosts: [...aggregate.hosts, host] }
}

/** Throws 404 on a host that no agent reports from. */
export async function checkHost({ database }: ComputeDeps, host: string): Promise<void> {
  if (!(await listHosts(database.db)).some((each) => each.host === host))
    throw new NotFound(`Compute host ${host} could not be found.`)
}

export function withMetadata(aggregate: Aggregate, changes: Record<string, string | null>): Partial<Aggregate> {
  const { availability_zone: zone, ...rest } = changes
  if (zone === '') throw new Invalid('Invalid availability_zone')
  const metadata = { ...aggregate.metadata }
  for (const [key, value] of Object.entries(rest)) {
    if (value === null) delete metadata[key]
    else metadata[key] = value
  }
  return { metadata, ...(zone !== undefined && { zone }) }
}
