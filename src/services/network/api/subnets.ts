import { Type, type Static } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { NetworkDeps } from '../deps.ts'
import {
  badAttribute,
  gatewayConflictWithAllocationPools,
  invalidInput,
  subnetInUse,
  subnetNotFound,
} from '../errors.ts'
import { formatAddress, formatPrefix, overlaps, parseAddress, parsePrefix } from '../model/address.ts'
import { checkPools, defaultPools } from '../model/ipam.ts'
import { ensureDhcpPort } from '../operations/dhcp.ts'
import { requireQuota } from '../operations/quota.ts'
import { policy } from '../policies.ts'
import {
  deleteRows,
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
import { networkTarget, visibleNetwork } from './networks.ts'
import { page, pick, standard, type View } from './listing.ts'
import { kinds, ownerOf } from './schema.ts'

const pool = Type.Object({ start: Type.String(), end: Type.String() }, { additionalProperties: false })
const hostRoute = Type.Object({ destination: Type.String(), nexthop: Type.String() }, { additionalProperties: false })
const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  gateway_ip: Type.Optional(kinds.nullableText),
  enable_dhcp: Type.Optional(kinds.boolean),
  dns_nameservers: Type.Optional(Type.Array(Type.String(), { maxItems: 5 })),
  host_routes: Type.Optional(Type.Array(hostRoute, { maxItems: 20 })),
  allocation_pools: Type.Optional(Type.Array(pool)),
}
const mode = Type.Optional(Type.Union([Type.Null(), Type.Enum(['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'])]))
const createSubnet = Type.Object(
  {
    ...attributes,
    ...kinds.owner,
    network_id: kinds.uuid,
    ip_version: Type.Enum([4, 6]),
    cidr: Type.String(),
    ipv6_ra_mode: mode,
    ipv6_address_mode: mode,
  },
  { additionalProperties: false },
)
type Input = Partial<Static<typeof createSubnet>>

export const viewSubnet = (row: Row<'subnets'>): View => ({
  ...standard(row),
  network_id: row.network_id,
  ip_version: row.ip_version,
  cidr: row.cidr,
  gateway_ip: row.gateway_ip,
  enable_dhcp: row.enable_dhcp === 1,
  allocation_pools: JSON.parse(row.pools) as unknown,
  dns_nameservers: JSON.parse(row.dns_nameservers) as unknown,
  host_routes: JSON.parse(row.host_routes) as unknown,
  ipv6_ra_mode: row.ipv6_ra_mode,
  ipv6_address_mode: row.ipv6_address_mode,
  subnetpool_id: null,
})

const subnetTarget = (row: Row<'subnets'>, network: Row<'networks'> | undefined) => ({
  ...(network && networkTarget(network)),
  project_id: row.project_id,
})

async function visible(ctx: Context, { database: { db } }: NetworkDeps, id: string): Promise<Row<'subnets'>> {
  const row = await findRow(db, 'subnets', { id })
  const network = row && (await findRow(db, 'networks', { id: row.network_id }))
  if (!row || !ctx.can(policy('get_subnet'), subnetTarget(row, network))) throw subnetNotFound(id)
  return row
}

const list = route({
  method: 'GET',
  path: '/subnets',
  policy: policy('get_subnet'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, { database: { db } }: NetworkDeps) {
    const rows = await listRows(db, 'subnets', { id: query['id'], network_id: query['network_id'] })
    const networks = new Map((await listRows(db, 'networks')).map((network) => [network.id, network]))
    const seen = rows.filter((row) => ctx.can(policy('get_subnet'), subnetTarget(row, networks.get(row.network_id))))
    return page('subnets', seen.map(viewSubnet), query, baseUrl + url)
  },
})

const show = route({
  method: 'GET',
  path: '/subnets/:id',
  policy: policy('get_subnet'),
  async handle({ ctx, params, query }: ApiRequest<never>, deps: NetworkDeps) {
    return { status: 200, body: { subnet: pick(viewSubnet(await visible(ctx, deps, params['id'] ?? '')), query) } }
  },
})

/** Gateway and pools, checked against the prefix and each other. */
function addressing(cidr: string, version: number, input: Input) {
  const prefix = parsePrefix(cidr)
  if (!prefix || prefix.version !== version) throw badAttribute('cidr', `'${cidr}' is not a valid IPv${version} subnet`)
  const gatewayText =
    input.gateway_ip === undefined ? formatAddress(prefix.version, prefix.first + 1n) : input.gateway_ip
  const gateway = gatewayText === null ? null : parseAddress(gatewayText)
  if (gateway === undefined || (gateway && gateway.version !== version))
    throw badAttribute('gateway_ip', `'${gatewayText}' is not a valid IPv${version} address`)
  if (gateway && version === 4 && (gateway.value < prefix.first || gateway.value > prefix.last))
    throw invalidInput('Gateway is not valid on subnet')
  const value = gateway?.value ?? null
  const pools = input.allocation_pools ? checkPools(prefix, input.allocation_pools, null) : defaultPools(prefix, value)
  const clash = pools.find((each) => value !== null && value >= each.first && value <= each.last)
  const show = (at: bigint) => formatAddress(prefix.version, at)
  if (clash) throw gatewayConflictWithAllocationPools(show(value!), `${show(clash.first)}-${show(clash.last)}`)
  return {
    prefix,
    cidr: formatPrefix(prefix),
    gateway_ip: value === null ? null : show(value),
    pools: JSON.stringify(pools.map((each) => ({ start: show(each.first), end: show(each.last) }))),
  }
}

function requireAddresses(input: Input) {
  for (const dns of input.dns_nameservers ?? [])
    if (!parseAddress(dns)) throw badAttribute('dns_nameservers', `'${dns}' is not a valid nameserver`)
  for (const { destination, nexthop } of input.host_routes ?? []) {
    if (!parsePrefix(destination)) throw badAttribute('host_routes', `'${destination}' is not a valid IP subnet`)
    if (!parseAddress(nexthop)) throw badAttribute('host_routes', `'${nexthop}' is not a valid IP address`)
  }
}

async function requireNoOverlap(tx: NetworkDb, networkId: string, prefix: NonNullable<ReturnType<typeof parsePrefix>>) {
  for (const other of await listRows(tx, 'subnets', { network_id: networkId })) {
    if (overlaps(parsePrefix(other.cidr)!, prefix)) {
      throw invalidInput(
        `Requested subnet with cidr: ${formatPrefix(prefix)} for network: ${networkId} overlaps with another subnet`,
      )
    }
  }
}

const create = route({
  method: 'POST',
  path: '/subnets',
  policy: policy('create_subnet'),
  body: Type.Object({ subnet: createSubnet }),
  async handle({ ctx, body: { subnet: input } }, deps: NetworkDeps) {
    const network = await visibleNetwork(ctx, deps, input.network_id)
    ctx.authorize(policy('create_subnet'), { 'network:project_id': network.project_id })
    const projectId = ctx.isAdmin && !input.project_id && !input.tenant_id ? network.project_id : ownerOf(ctx, input)
    requireAddresses(input)
    const { prefix, ...addresses } = addressing(input.cidr, Number(input.ip_version), input)
    const row = await deps.change(async (tx) => {
      await requireQuota(tx, deps, projectId, 'subnet')
      await requireNoOverlap(tx, network.id, prefix)
      const subnet: Row<'subnets'> = {
        ...newEntity(projectId, input),
        network_id: network.id,
        ip_version: Number(input.ip_version),
        ...addresses,
        enable_dhcp: input.enable_dhcp === false ? 0 : 1,
        dns_nameservers: JSON.stringify(input.dns_nameservers ?? []),
        host_routes: JSON.stringify(input.host_routes ?? []),
        ipv6_ra_mode: (input.ipv6_ra_mode as string | null | undefined) ?? null,
        ipv6_address_mode: (input.ipv6_address_mode as string | null | undefined) ?? null,
        subnetpool_id: null,
      }
      await insertRow(tx, 'subnets', subnet)
      await ensureDhcpPort(tx, deps, network)
      return subnet
    })
    return { status: 201, body: { subnet: viewSubnet(row) } }
  },
})

const update = route({
  method: 'PUT',
  path: '/subnets/:id',
  policy: policy('update_subnet'),
  body: Type.Object({ subnet: Type.Object(attributes, { additionalProperties: false }) }),
  async handle({ ctx, params, body: { subnet: input } }, deps: NetworkDeps) {
    const row = await visible(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('update_subnet'), { project_id: row.project_id })
    requireAddresses(input)
    const isReaddressed = input.gateway_ip !== undefined || input.allocation_pools !== undefined
    const before = {
      gateway_ip: row.gateway_ip,
      allocation_pools: parseList<{ start: string; end: string }>(row.pools),
    }
    const { gateway_ip, pools } = addressing(row.cidr, row.ip_version, { ...before, ...input })
    await deps.change(async (tx) => {
      await updateRow(tx, 'subnets', row.id, {
        ...(input.name !== undefined && { name: input.name }),
        ...(input.description !== undefined && { description: input.description }),
        ...(input.enable_dhcp !== undefined && { enable_dhcp: input.enable_dhcp ? 1 : 0 }),
        ...(input.dns_nameservers !== undefined && { dns_nameservers: JSON.stringify(input.dns_nameservers) }),
        ...(input.host_routes !== undefined && { host_routes: JSON.stringify(input.host_routes) }),
        ...(isReaddressed && { gateway_ip, pools }),
        ...touched(row),
      })
      if (input.enable_dhcp !== undefined)
        await ensureDhcpPort(tx, deps, (await findRow(tx, 'networks', { id: row.network_id }))!)
    })
    return { status: 200, body: { subnet: viewSubnet((await findRow(deps.database.db, 'subnets', { id: row.id }))!) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/subnets/:id',
  policy: policy('delete_subnet'),
  async handle({ ctx, params }: ApiRequest<never>, deps: NetworkDeps) {
    const row = await visible(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('delete_subnet'), { project_id: row.project_id })
    await deps.change(async (tx) => {
      const used = await listRows(tx, 'ip_allocations', { subnet_id: row.id })
      const ports = await listRows(tx, 'ports', { id: used.map((each) => each.port_id) })
      if (ports.some((port) => port.device_owner !== 'network:dhcp')) throw subnetInUse(row.id)
      await deleteRows(tx, 'ip_allocations', { subnet_id: row.id })
      await deleteRows(tx, 'subnets', { id: row.id })
      await ensureDhcpPort(tx, deps, (await findRow(tx, 'networks', { id: row.network_id }))!)
    })
    return { status: 204 }
  },
})

export const subnetRoutes = [list, show, create, update, remove] as Route<NetworkDeps>[]
