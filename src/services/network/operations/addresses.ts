import type { NetworkDeps } from '../deps.ts'
import {
  badAttribute,
  badRequest,
  invalidInput,
  ipAddressGenerationFailure,
  ipAddressInUse,
  noServiceSubnet,
  subnetNotFound,
} from '../errors.ts'
import { formatAddress, parseAddress, parsePrefix } from '../model/address.ts'
import { checkPools, nextFree, slaacAddress, type Pool } from '../model/ipam.ts'
import { deleteRows, insertRow, listRows, parseList, type NetworkDb, type Row } from '../store/rows.ts'

export interface AddressRequest {
  subnet_id?: string
  ip_address?: string
  /** Subnets that do as well once this one is full. */
  instead?: readonly string[]
}

interface PortIdentity {
  id: string
  network_id: string
  mac_address: string
  device_owner: string
}

export const isSlaac = (subnet: Row<'subnets'>): boolean =>
  subnet.ipv6_address_mode === 'slaac' || subnet.ipv6_address_mode === 'dhcpv6-stateless'

/**
 * Gives a port its addresses: those asked for, else one of each IP version. Throws IpAddressInUse,
 * IpAddressGenerationFailure, InvalidInput.
 */
export async function allocate(
  tx: NetworkDb,
  deps: Pick<NetworkDeps, 'lastAddresses'>,
  port: PortIdentity,
  asked: readonly AddressRequest[] | undefined,
): Promise<void> {
  const subnets = (await listRows(tx, 'subnets', { network_id: port.network_id })).toSorted(
    (a, b) => Number(a.created_at) - Number(b.created_at),
  )
  if (asked && asked.length > fixedIpsAtMost) throw invalidInput('Exceeded maximum amount of fixed ips per port')
  for (const request of asked ?? automatic(serving(subnets, port))) await allocateOne(tx, deps, port, subnets, request)
}

const fixedIpsAtMost = 5

/** Subnets for this kind of port: those that name no kinds, and those that name its. */
function serving(subnets: readonly Row<'subnets'>[], port: PortIdentity): Row<'subnets'>[] {
  const fitting = subnets.filter((subnet) => {
    const types = parseList<string>(subnet.service_types ?? '[]')
    return types.length === 0 || types.includes(port.device_owner)
  })
  if (fitting.length === 0 && subnets.length > 0) throw noServiceSubnet(port.network_id, port.device_owner)
  return fitting
}

/** One IPv4 and one stateful IPv6 address, and one of every SLAAC subnet. */
function automatic(subnets: readonly Row<'subnets'>[]): AddressRequest[] {
  const stateful = subnets.filter((subnet) => !isSlaac(subnet))
  const versions = [4, 6].flatMap((version) => {
    const [first, ...others] = stateful.filter((subnet) => subnet.ip_version === version)
    return first ? [{ subnet_id: first.id, instead: others.map(({ id }) => id) }] : []
  })
  return [...versions, ...subnets.filter(isSlaac).map((subnet) => ({ subnet_id: subnet.id }))]
}

async function allocateOne(
  tx: NetworkDb,
  deps: Pick<NetworkDeps, 'lastAddresses'>,
  port: PortIdentity,
  subnets: readonly Row<'subnets'>[],
  request: AddressRequest,
) {
  const add = (subnet: Row<'subnets'>, ip: string) =>
    insertRow(tx, 'ip_allocations', { subnet_id: subnet.id, ip, port_id: port.id, network_id: port.network_id })
  if (request.ip_address !== undefined) {
    const address = parseAddress(request.ip_address)
    if (!address) throw badAttribute('fixed_ips', `'${request.ip_address}' is not a valid IP address`)
    const subnet = subnets.find((each) => {
      const prefix = parsePrefix(each.cidr)!
      return (
        (request.subnet_id === undefined || each.id === request.subnet_id) &&
        prefix.version === address.version &&
        address.value >= prefix.first &&
        address.value <= prefix.last
      )
    })
    if (!subnet)
      throw request.subnet_id === undefined
        ? badRequest(
            'InvalidIpForNetwork',
            `IP address ${request.ip_address} is not a valid IP for any of the subnets on the specified network.`,
          )
        : badRequest(
            'InvalidIpForSubnet',
            `IP address ${request.ip_address} is not a valid IP for the specified subnet.`,
          )
    const ip = formatAddress(address.version, address.value)
    if (!(await add(subnet, ip))) throw ipAddressInUse(ip, port.network_id)
    return
  }
  const subnet = subnets.find((each) => each.id === request.subnet_id)
  if (!subnet)
    throw request.subnet_id === undefined
      ? invalidInput('fixed_ips needs subnet_id or ip_address')
      : subnetNotFound(request.subnet_id)
  if (isSlaac(subnet) && !port.device_owner.startsWith('network:router')) {
    await add(subnet, formatAddress(6, slaacAddress(parsePrefix(subnet.cidr)!, port.mac_address)))
    return
  }
  const candidates = [subnet, ...subnets.filter((each) => request.instead?.includes(each.id))]
  for (const each of candidates) {
    const ip = await freeAddress(tx, deps, each)
    if (ip !== undefined && (await add(each, ip))) return
  }
  throw ipAddressGenerationFailure(port.network_id)
}

/** How many addresses are looked at before all that are taken are read. */
const probes = 8

/** The next free address after the last one that was given out, else the first free one of all. */
async function freeAddress(
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

/** After a new MAC: addresses that guests derive from it. */
export async function renewAutomatic(
  tx: NetworkDb,
  deps: Pick<NetworkDeps, 'lastAddresses'>,
  port: PortIdentity,
): Promise<void> {
  const held = await listRows(tx, 'ip_allocations', { port_id: port.id })
  const subnets = (await listRows(tx, 'subnets', { id: held.map((each) => each.subnet_id) })).filter(isSlaac)
  for (const subnet of subnets) {
    await deleteRows(tx, 'ip_allocations', { port_id: port.id, subnet_id: subnet.id })
    await allocateOne(tx, deps, port, subnets, { subnet_id: subnet.id })
  }
}

export const release = (tx: NetworkDb, portId: string): Promise<number> =>
  deleteRows(tx, 'ip_allocations', { port_id: portId })
