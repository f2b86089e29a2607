/** The addresses of ports: which are asked for, which are held already, which are given. Rules and wording are neutron's. */
import type { NetworkDeps } from '../deps.ts'
import {
  badAttribute,
  badRequest,
  invalidInput,
  ipAddressAllocated,
  ipAddressGenerationFailure,
  noServiceSubnet,
  subnetNotFound,
} from '../errors.ts'
import { formatAddress, parseAddress, parsePrefix } from '../model/address.ts'
import { isHostAddress, slaacAddress } from '../model/ipam.ts'
import { isRouterInterface, isRouterPort } from '../model/port.ts'
import { deleteRows, findRow, insertRow, listRows, parseList, type NetworkDb, type Row } from '../store/rows.ts'
import { freeAddress } from './free-address.ts'

export interface AddressRequest {
  subnet_id?: string
  ip_address?: string
  /** Subnets that do as well once this one is full. */
  instead?: readonly string[]
}

interface PortIdentity {
  id: string
  project_id: string
  network_id: string
  mac_address: string
  device_owner: string
}
type Subnet = Row<'subnets'>
type Held = Row<'ip_allocations'>

export const isSlaac = (subnet: Subnet): boolean =>
  subnet.ipv6_address_mode === 'slaac' || subnet.ipv6_address_mode === 'dhcpv6-stateless'

/** Whether a port derives its address in this subnet from its MAC: routers have the one that they are given. */
const isAutomatic = (subnet: Subnet, port: PortIdentity): boolean =>
  isSlaac(subnet) && !isRouterInterface(port.device_owner)

/**
 * Gives a new port its addresses: those asked for, else one of each IP version; and those that it derives from its MAC.
 * Throws IpAddressAlreadyAllocated, IpAddressGenerationFailure, InvalidInput.
 */
export async function allocate(
  tx: NetworkDb,
  deps: Pick<NetworkDeps, 'lastAddresses'>,
  port: PortIdentity,
  asked: readonly AddressRequest[] | undefined,
): Promise<void> {
  const subnets = await servingSubnets(tx, port)
  requireFew(port, asked ?? [])
  const requests = asked ?? oneOfEach(subnets.filter((subnet) => !isAutomatic(subnet, port)))
  for (const request of requests) await allocateOne(tx, deps, port, subnets, request)
  for (const subnet of subnets.filter((each) => isAutomatic(each, port))) await addAutomatic(tx, port, subnet)
}

/**
 * Brings the addresses of a port to what is asked for: what it holds already stays, as does what it derives from its
 * MAC. Throws as `allocate` does.
 */
export async function reallocate(
  tx: NetworkDb,
  deps: Pick<NetworkDeps, 'lastAddresses'>,
  port: PortIdentity,
  asked: readonly AddressRequest[],
): Promise<void> {
  requireFew(port, asked)
  const held = await listRows(tx, 'ip_allocations', { port_id: port.id })
  const { kept, added } = compare(held, asked)
  const heldSubnets = await listRows(tx, 'subnets', { id: held.map((each) => each.subnet_id) })
  const automatic = new Set(heldSubnets.filter((subnet) => isAutomatic(subnet, port)).map(({ id }) => id))
  for (const { ip, subnet_id } of held)
    if (!kept.has(ip) && !automatic.has(subnet_id)) await deleteRows(tx, 'ip_allocations', { subnet_id, ip })
  if (added.length === 0) return
  const subnets = await servingSubnets(tx, port)
  for (const request of added) await allocateOne(tx, deps, port, subnets, request)
}

/** Addresses that are named stay before others of the same subnet do. */
function compare(
  held: readonly Held[],
  asked: readonly AddressRequest[],
): { kept: Set<string>; added: AddressRequest[] } {
  const kept = new Set<string>()
  const isMet = (request: AddressRequest) => {
    const wanted = request.ip_address === undefined ? undefined : canonical(request.ip_address)
    const found = held.find(
      (each) =>
        !kept.has(each.ip) &&
        (wanted === undefined || each.ip === wanted) &&
        (request.subnet_id === undefined || each.subnet_id === request.subnet_id),
    )
    if (found) kept.add(found.ip)
    return found !== undefined
  }
  const isNamed = (request: AddressRequest) => request.ip_address !== undefined
  const news = asked.filter((each) => isNamed(each) && !isMet(each))
  const rest = asked.filter((each) => !isNamed(each) && (each.subnet_id === undefined || !isMet(each)))
  return { kept, added: [...news, ...rest] }
}

function canonical(text: string): string {
  const address = parseAddress(text)
  return address ? formatAddress(address.version, address.value) : text
}

/** Every filter of the port has each of them; what DHCP and routers have is as much as their networks need. */
const fixedIpsAtMost = 50

function requireFew(port: PortIdentity, asked: readonly AddressRequest[]) {
  if (asked.length > fixedIpsAtMost && !port.device_owner.startsWith('network:'))
    throw invalidInput('Exceeded maximum amount of fixed ips per port')
}

/** Subnets for this kind of port: those that name no kinds, and those that name its. DHCP is for all that want it. */
async function servingSubnets(tx: NetworkDb, port: PortIdentity): Promise<Subnet[]> {
  const subnets = (await listRows(tx, 'subnets', { network_id: port.network_id })).toSorted(
    (a, b) => Number(a.created_at) - Number(b.created_at),
  )
  const fitting = subnets.filter((subnet) => {
    const types = parseList<string>(subnet.service_types ?? '[]')
    const isServed = port.device_owner === 'network:dhcp' && subnet.enable_dhcp === 1
    return types.length === 0 || types.includes(port.device_owner) || isServed
  })
  if (fitting.length === 0 && subnets.length > 0) throw noServiceSubnet(port.network_id, port.device_owner)
  return fitting
}

/** One address of each IP version, of the first subnet that has one. */
function oneOfEach(subnets: readonly Subnet[]): AddressRequest[] {
  return [4, 6].flatMap((version) => {
    const [first, ...others] = subnets.filter((subnet) => subnet.ip_version === version)
    return first ? [{ subnet_id: first.id, instead: others.map(({ id }) => id) }] : []
  })
}

const add = (tx: NetworkDb, port: PortIdentity, subnet: Subnet, ip: string): Promise<boolean> =>
  insertRow(tx, 'ip_allocations', { subnet_id: subnet.id, ip, port_id: port.id, network_id: port.network_id })

const automaticAddress = (subnet: Subnet, mac: string): string =>
  formatAddress(6, slaacAddress(parsePrefix(subnet.cidr)!, mac))

async function addAutomatic(tx: NetworkDb, port: PortIdentity, subnet: Subnet): Promise<void> {
  // It may be there already, where somebody asked for it by name.
  await add(tx, port, subnet, automaticAddress(subnet, port.mac_address))
}

/** As many ports at once as nobody will make. */
const mostTries = 1000

async function allocateOne(
  tx: NetworkDb,
  deps: Pick<NetworkDeps, 'lastAddresses'>,
  port: PortIdentity,
  subnets: readonly Subnet[],
  request: AddressRequest,
): Promise<void> {
  if (subnets.length === 0) throw invalidInput('IP allocation requires subnets for network')
  if (request.ip_address !== undefined) return takeNamed(tx, port, subnets, request.ip_address, request.subnet_id)
  const subnet = await subnetOf(tx, port, subnets, request.subnet_id)
  if (isAutomatic(subnet, port)) return addAutomatic(tx, port, subnet)
  const candidates = [subnet, ...subnets.filter((each) => request.instead?.includes(each.id))]
  for (const each of candidates) {
    // An address that another process takes at this moment is no reason to give up: the next one is looked for.
    for (let tries = 0; tries < mostTries; tries++) {
      const ip = await freeAddress(tx, deps, each)
      if (ip === undefined) break
      if (await add(tx, port, each, ip)) return
    }
  }
  throw ipAddressGenerationFailure(port.network_id)
}

async function subnetOf(
  tx: NetworkDb,
  port: PortIdentity,
  subnets: readonly Subnet[],
  id: string | undefined,
): Promise<Subnet> {
  if (id === undefined) throw invalidInput('IP allocation requires subnet_id or ip_address')
  const subnet = subnets.find((each) => each.id === id)
  if (subnet) return subnet
  // Those of others do not exist for him.
  if ((await findRow(tx, 'subnets', { id }))?.project_id !== port.project_id) throw subnetNotFound(id)
  throw invalidInput(
    `Failed to create port on network ${port.network_id}, because fixed_ips included invalid subnet ${id}`,
  )
}

async function takeNamed(
  tx: NetworkDb,
  port: PortIdentity,
  subnets: readonly Subnet[],
  text: string,
  subnetId: string | undefined,
): Promise<void> {
  const address = parseAddress(text)
  if (!address) throw badAttribute('fixed_ips', `'${text}' is not a valid IP address`)
  const candidates = subnetId === undefined ? subnets : [await subnetOf(tx, port, subnets, subnetId)]
  // Without an owner it may become a router's.
  const isForRouter = port.device_owner === '' || isRouterPort(port.device_owner)
  const subnet = candidates.find((each) => isHostAddress(parsePrefix(each.cidr)!, address, isForRouter))
  if (!subnet)
    throw subnetId === undefined
      ? badRequest(
          'InvalidIpForNetwork',
          `IP address ${text} is not a valid IP for any of the subnets on the specified network.`,
        )
      : badRequest('InvalidIpForSubnet', `IP address ${text} is not a valid IP for the specified subnet.`)
  const ip = formatAddress(address.version, address.value)
  if (isAutomatic(subnet, port) && ip !== automaticAddress(subnet, port.mac_address))
    throw badRequest(
      'AllocationOnAutoAddressSubnet',
      `IPv6 address ${ip} cannot be directly assigned to a port on subnet ${subnet.id} as the subnet is configured for automatic addresses`,
    )
  if (!(await add(tx, port, subnet, ip))) throw ipAddressAllocated(ip, subnet.id)
}

/** After a new MAC: addresses that guests derive from it. */
export async function renewAutomatic(tx: NetworkDb, port: PortIdentity): Promise<void> {
  const held = await listRows(tx, 'ip_allocations', { port_id: port.id })
  const subnets = await listRows(tx, 'subnets', { id: held.map((each) => each.subnet_id) })
  for (const subnet of subnets.filter((each) => isAutomatic(each, port))) {
    await deleteRows(tx, 'ip_allocations', { port_id: port.id, subnet_id: subnet.id })
    await addAutomatic(tx, port, subnet)
  }
}

export const release = (tx: NetworkDb, portId: string): Promise<number> =>
  deleteRows(tx, 'ip_allocations', { port_id: portId })
