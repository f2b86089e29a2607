/** Where the next free address of a subnet is. */
import type { NetworkDeps } from '../deps.ts'
import { formatAddress, parseAddress, parsePrefix } from '../model/address.ts'
import { checkPools, nextFree, type Pool } from '../model/ipam.ts'
import { listRows, parseList, type NetworkDb, type Row } from '../store/rows.ts'

/** How many addresses are looked at before all that are taken are read. */
const probes = 8

/** The next free address after the last one that was given out, else the first free one of all. */
export async function freeAddress(
  tx: NetworkDb,
  { lastAddresses }: Pick<NetworkDeps, 'lastAddresses'>,
  subnet: Row<'subnets'>,
): Promise<string | undefined> {
  const prefix = parsePrefix(subnet.cidr)!
  const gateway = subnet.gateway_ip === null ? undefined : parseAddress(subnet.gateway_ip)?.value
  const pools = checkPools(prefix, parseList<{ start: string; end: string }>(subnet.pools), null)
  const last = lastAddresses.get(subnet.id)
  const after =
    last === undefined ? [] : nextFree(from(pools, last + 1n), gateway === undefined ? [] : [gateway], probes)
  const ips = after.map((value) => formatAddress(prefix.version, value))
  const held = new Set((await listRows(tx, 'ip_allocations', { subnet_id: subnet.id, ip: ips })).map(({ ip }) => ip))
  const at = ips.findIndex((ip) => !held.has(ip))
  const free = at < 0 ? await firstFree(tx, subnet, pools, gateway) : after[at]
  if (free === undefined) return undefined
  lastAddresses.set(subnet.id, free)
  return formatAddress(prefix.version, free)
}

const from = (pools: readonly Pool[], address: bigint): Pool[] =>
  pools.flatMap((pool) =>
    pool.last < address ? [] : [{ ...pool, first: pool.first > address ? pool.first : address }],
  )

async function firstFree(
  tx: NetworkDb,
  subnet: Row<'subnets'>,
  pools: readonly Pool[],
  gateway: bigint | undefined,
): Promise<bigint | undefined> {
  const rows = await listRows(tx, 'ip_allocations', { subnet_id: subnet.id })
  const taken = rows.map((row) => parseAddress(row.ip)!.value)
  if (gateway !== undefined) taken.push(gateway)
  const sorted = [...new Set(taken)].toSorted((a, b) => (a < b ? -1 : 1))
  return nextFree(pools, sorted, 1)[0]
}
