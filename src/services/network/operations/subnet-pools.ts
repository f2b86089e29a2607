/** Subnet pools: prefixes that subnets are cut from, and address scopes in which they are unique. */
import type { NetworkDeps } from '../deps.ts'
import { badAttribute, badRequest, badRequestFor, conflict, subnetPoolNotFound } from '../errors.ts'
import { parsePrefix, type IpVersion, type Prefix } from '../model/address.ts'
import { carve, compact, covers, formatPrefixes, meets, readPrefixes, subtract } from '../model/prefixes.ts'
import {
  deleteEntity,
  findRow,
  insertRow,
  listRows,
  newEntity,
  parseList,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'
import { changed, flags } from './changes.ts'
import { requireQuota } from './quota.ts'

type Pool = Row<'subnet_pools'>

export interface PoolInput {
  name?: string
  description?: string
  prefixes?: string[]
  default_prefixlen?: number
  min_prefixlen?: number
  max_prefixlen?: number
  default_quota?: number | null
  address_scope_id?: string | null
  is_default?: boolean
  shared?: boolean
}

const bits = { 4: 32, 6: 128 } as const
const smallest = { 4: 8, 6: 64 } as const

function read(texts: readonly string[]): Prefix[] {
  if (texts.length === 0) throw badRequest('EmptySubnetPoolPrefixList', 'Empty subnet pool prefix list.')
  const wrong = texts.find((text) => !parsePrefix(text))
  if (wrong !== undefined) throw badAttribute('prefixes', `'${wrong}' is not a valid IP subnet`)
  const prefixes = readPrefixes(texts)
  if (!prefixes) throw badRequest('PrefixVersionMismatch', 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.')
  return compact(prefixes)
}

const prefixesOf = (pool: Pool): Prefix[] => readPrefixes(parseList<string>(pool.prefixes)) ?? []

function requireLengths(version: IpVersion, lengths: { min: number; max: number; standard: number }) {
  const { min, max, standard } = lengths
  const bounds = (one: string, a: number, other: string, b: number) =>
    badRequest('IllegalSubnetPoolPrefixBounds', `Illegal prefix bounds: ${one}=${a}, ${other}=${b}.`)
  if (min > max) throw bounds('min_prefixlen', min, 'max_prefixlen', max)
  if (max > bits[version]) throw bounds('max_prefixlen', max, `ipv${version}_max_prefixlen`, bits[version])
  if (standard < min) throw bounds('default_prefixlen', standard, 'min_prefixlen', min)
  if (standard > max) throw bounds('default_prefixlen', standard, 'max_prefixlen', max)
}

/** Makes a pool in `tx`. `scope` is the address scope that the caller may see. */
export async function insertPool(
  tx: NetworkDb,
  deps: NetworkDeps,
  projectId: string,
  input: PoolInput,
  scope: Row<'address_scopes'> | null,
): Promise<Pool> {
  await requireQuota(tx, deps, projectId, 'subnetpool')
  const prefixes = read(input.prefixes ?? [])
  const version = prefixes[0]!.version
  const min = input.min_prefixlen ?? smallest[version]
  const lengths = { min, max: input.max_prefixlen ?? bits[version], standard: input.default_prefixlen ?? min }
  requireLengths(version, lengths)
  const pool: Pool = {
    ...newEntity(projectId, input),
    ip_version: version,
    prefixes: JSON.stringify(formatPrefixes(prefixes)),
    default_prefixlen: lengths.standard,
    min_prefixlen: lengths.min,
    max_prefixlen: lengths.max,
    default_quota: input.default_quota ?? null,
    address_scope_id: scope?.id ?? null,
    is_default: input.is_default ? 1 : 0,
    shared: input.shared ? 1 : 0,
  }
  await requireOnlyDefault(tx, pool)
  if (scope) await requireScope(tx, pool, scope)
  await insertRow(tx, 'subnet_pools', pool)
  return pool
}

async function requireOnlyDefault(tx: NetworkDb, pool: Pool) {
  if (pool.is_default === 0) return
  const others = await listRows(tx, 'subnet_pools', { is_default: 1, ip_version: pool.ip_version })
  if (others.some((other) => other.id !== pool.id))
    throw badRequest(
      'InvalidInput',
      `Invalid input for operation: A default subnetpool for this IP family has already been set. Only one default may exist per IP family.`,
    )
}

/** Within a scope no address is in two pools, and a pool is of the scope's project and version. */
async function requireScope(tx: NetworkDb, pool: Pool, scope: Row<'address_scopes'>) {
  const association = `Illegal subnetpool association: subnetpool ${pool.id}`
  if (scope.shared === 0 && scope.project_id !== pool.project_id)
    throw badRequest(
      'IllegalSubnetPoolAssociationToAddressScope',
      `${association} cannot be associated with address scope ${scope.id}.`,
    )
  if (scope.shared === 0 && pool.shared === 1)
    throw badRequest(
      'IllegalSubnetPoolUpdate',
      `Illegal subnetpool update : A shared subnetpool cannot be associated with an address scope that is not shared.`,
    )
  if (scope.ip_version !== pool.ip_version)
    throw badRequest(
      'IllegalSubnetPoolIpVersionAssociationToAddressScope',
      `${association} cannot associate with address scope ${scope.id} because subnetpool ip_version is not ${scope.ip_version}.`,
    )
  for (const other of await listRows(tx, 'subnet_pools', { address_scope_id: scope.id })) {
    if (other.id !== pool.id && meets(prefixesOf(other), prefixesOf(pool)))
      throw conflict(
        'AddressScopePrefixConflict',
        'Failed to associate address scope: subnetpools within an address scope must have unique prefixes.',
      )
  }
}

/** Changes a pool; prefixes may only grow. `scope` as in `insertPool`, undefined to leave it. */
export async function changePool(
  tx: NetworkDb,
  row: Pool,
  input: PoolInput,
  scope: Row<'address_scopes'> | null | undefined,
): Promise<void> {
  const prefixes = input.prefixes === undefined ? prefixesOf(row) : read(input.prefixes)
  if (input.prefixes !== undefined && prefixesOf(row).some((old) => !covers(prefixes, old)))
    throw badRequest(
      'IllegalSubnetPoolPrefixUpdate',
      `Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.`,
    )
  if (prefixes[0]!.version !== row.ip_version)
    throw badRequest('PrefixVersionMismatch', 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.')
  const next: Pool = {
    ...row,
    ...changed(input, ['name', 'description', 'default_prefixlen', 'min_prefixlen', 'max_prefixlen', 'default_quota']),
    ...flags({ is_default: input.is_default }),
    ...(scope !== undefined && { address_scope_id: scope?.id ?? null }),
    prefixes: JSON.stringify(formatPrefixes(prefixes)),
    ...touched(row),
  }
  const lengths = { min: next.min_prefixlen, max: next.max_prefixlen, standard: next.default_prefixlen }
  requireLengths(prefixes[0]!.version, lengths)
  await requireOnlyDefault(tx, next)
  await requireMovable(tx, row, next.address_scope_id)
  const held =
    scope ??
    (next.address_scope_id === null ? null : await findRow(tx, 'address_scopes', { id: next.address_scope_id }))
  if (held) await requireScope(tx, next, held)
  await updateRow(tx, 'subnet_pools', row.id, next)
}

/** A network's subnets are of one scope: a pool that shares a network with another keeps the scope they share. */
async function requireMovable(tx: NetworkDb, pool: Pool, scopeId: string | null) {
  if (pool.address_scope_id === scopeId) return
  const mine = await listRows(tx, 'subnets', { subnetpool_id: pool.id })
  const beside = await listRows(tx, 'subnets', { network_id: mine.map((each) => each.network_id) })
  if (beside.some((each) => each.ip_version === pool.ip_version && each.subnetpool_id !== pool.id))
    throw badRequest(
      'NetworkAddressScopeAffinityError',
      'Subnets of the same address family hosted on the same network must all participate in the same address scope.',
    )
}

export async function removePool(tx: NetworkDb, row: Pool): Promise<void> {
  if (await findRow(tx, 'subnets', { subnetpool_id: row.id }))
    throw badRequest('SubnetPoolDeleteError', 'Unable to delete subnet pool: Subnet pool has existing allocations.')
  await deleteEntity(tx, 'subnet_pools', row.id)
}

const prefixesAtMost = 1000

/** Adds or takes prefixes; what subnets use stays. */
export async function changePrefixes(
  tx: NetworkDb,
  row: Pool,
  texts: readonly string[],
  how: 'add' | 'remove',
): Promise<string[]> {
  const given = read(texts)
  const old = prefixesOf(row)
  if (given[0]!.version !== row.ip_version)
    throw badRequest('PrefixVersionMismatch', 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.')
  const next = how === 'add' ? compact([...old, ...given]) : compact(subtract(old, given))
  if (next.length > prefixesAtMost)
    throw badRequest('BadRequest', `A subnet pool has at most ${prefixesAtMost} prefixes.`)
  const used = (await listRows(tx, 'subnets', { subnetpool_id: row.id })).map((each) => parsePrefix(each.cidr)!)
  if (how === 'remove' && meets(used, given))
    throw badRequest(
      'IllegalSubnetPoolPrefixUpdate',
      `Illegal update to prefixes: One or more of the prefixes to be removed is in use by a subnet.`,
    )
  const prefixes = formatPrefixes(next)
  const changedRow = { ...row, prefixes: JSON.stringify(prefixes) }
  const scope = row.address_scope_id && (await findRow(tx, 'address_scopes', { id: row.address_scope_id }))
  if (scope) await requireScope(tx, changedRow, scope)
  await updateRow(tx, 'subnet_pools', row.id, { prefixes: changedRow.prefixes, ...touched(row) })
  return prefixes
}

interface PrefixRequest {
  ip_version?: 4 | 6
  cidr?: string | null
  prefixlen?: number
  subnetpool_id?: string | null
  use_default_subnetpool?: boolean
  allocation_pools?: readonly object[]
}

/** The pool that a new subnet is cut from, if from one. Rights on it are the caller's business. */
export async function poolOf(tx: NetworkDb, input: PrefixRequest): Promise<Pool | undefined> {
  if (input.use_default_subnetpool && input.subnetpool_id)
    throw badRequestFor('subnets', 'subnetpool_id and use_default_subnetpool cannot both be specified')
  if (input.subnetpool_id) {
    const pool = await findRow(tx, 'subnet_pools', { id: input.subnetpool_id })
    if (!pool) throw subnetPoolNotFound(input.subnetpool_id)
    return pool
  }
  if (!input.use_default_subnetpool) return undefined
  const version = input.cidr == null ? input.ip_version : parsePrefix(input.cidr)?.version
  if (version === undefined)
    throw badRequestFor('subnets', 'ip_version must be specified in the absence of cidr and subnetpool_id')
  const pool = await findRow(tx, 'subnet_pools', { is_default: 1, ip_version: version })
  if (!pool) throw badRequestFor('subnets', `No default subnetpool found for IPv${version}`)
  return pool
}

const allocationError = (why: string) =>
  // Upstream has no status for it and answers 500; it is the request that cannot be met.
  conflict('SubnetAllocationError', `Failed to allocate subnet: ${why}.`)

/** Cuts a prefix for a subnet from a pool: the one that is asked for, else the next of the asked length. */
export async function allocatePrefix(
  tx: NetworkDb,
  pool: Pool,
  projectId: string,
  input: PrefixRequest,
): Promise<Prefix> {
  const asked = input.cidr == null ? undefined : parsePrefix(input.cidr)
  if (input.cidr != null && !asked) throw badAttribute('cidr', `'${input.cidr}' is not a valid IP subnet`)
  const version = input.ip_version ?? asked?.version
  if (version !== undefined && version !== pool.ip_version)
    throw badRequestFor('subnets', `Cannot allocate IPv${version} subnet from IPv${pool.ip_version} subnet pool`)
  if (!asked && input.allocation_pools)
    throw badRequestFor('subnets', 'allocation_pools allowed only for specific subnet requests')
  const length = asked?.length ?? input.prefixlen ?? pool.default_prefixlen
  const unable = `Unable to allocate subnet with prefix length ${length}`
  if (length > pool.max_prefixlen)
    throw badRequest('MaxPrefixSubnetAllocationError', `${unable}, maximum allowed prefix is ${pool.max_prefixlen}.`)
  if (length < pool.min_prefixlen)
    throw badRequest('MinPrefixSubnetAllocationError', `${unable}, minimum allowed prefix is ${pool.min_prefixlen}.`)
  const subnets = await listRows(tx, 'subnets', { subnetpool_id: pool.id })
  requirePoolQuota(
    pool,
    subnets.filter((each) => each.project_id === projectId),
    length,
  )
  const free = subtract(
    prefixesOf(pool),
    subnets.map((each) => parsePrefix(each.cidr)!),
  )
  if (asked) {
    if (!covers(free, asked))
      throw allocationError('Cannot allocate requested subnet from the available set of prefixes')
    return asked
  }
  const found = carve(free, length)
  if (!found) throw allocationError(`Insufficient prefix space to allocate subnet size /${length}`)
  return found
}

/** Quotas of pools count addresses in IPv4 and /64 networks in IPv6. */
function requirePoolQuota(pool: Pool, mine: readonly Row<'subnets'>[], length: number) {
  if (!pool.default_quota) return
  const unit = pool.ip_version === 4 ? 32 : 64
  const used = mine.reduce((sum, each) => sum + 2 ** (unit - parsePrefix(each.cidr)!.length), 0)
  if (used + 2 ** (unit - length) > Number(pool.default_quota))
    throw conflict('SubnetPoolQuotaExceeded', 'Per-project subnet pool prefix quota exceeded.')
}

/** All subnets of a network and version are of one address scope, or of one pool (or none) where there is no scope. */
export async function requireAffinity(
  tx: NetworkDb,
  networkId: string,
  version: IpVersion,
  pool: Pool | undefined,
): Promise<void> {
  const others = await listRows(tx, 'subnets', { network_id: networkId, ip_version: version })
  const pools = await listRows(tx, 'subnet_pools', { id: others.flatMap((each) => each.subnetpool_id ?? []) })
  const scopes = pools.flatMap((each) => each.address_scope_id ?? [])
  if (scopes.some((id) => id !== (pool?.address_scope_id ?? null)))
    throw badRequest(
      'NetworkAddressScopeAffinityError',
      'Subnets of the same address family hosted on the same network must all participate in the same address scope.',
    )
  if (pool?.address_scope_id) return
  if (others.some((each) => each.subnetpool_id !== (pool?.id ?? null)))
    throw badRequest(
      'NetworkSubnetPoolAffinityError',
      'Subnets hosted on the same network must be allocated from the same subnet pool.',
    )
}
