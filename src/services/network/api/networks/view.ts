import type { Shown } from '../../../../platform/http/answers.ts'
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import type { NetworkDeps } from '../../deps.ts'
import { networkNotFound } from '../../errors.ts'
import { defaultZone } from '../../operations/zones.ts'
import { listRows, parseList, type NetworkDb, type Row } from '../../store/rows.ts'
import { collection } from '../kit/collection.ts'
import { standard, withTagFilters } from '../kit/listing.ts'
import { ownedBy, within } from '../kit/targets.ts'
import { networkAnswer } from './schema.ts'

export const networkTarget = (row: Row<'networks'>): PolicyTarget => ({
  ...ownedBy(row.project_id),
  ...within('network', row.project_id),
  shared: row.shared === 1,
  'router:external': row.is_external === 1,
})

/** What a network shows besides its own row. */
interface Surroundings {
  subnets: ReadonlyMap<string, Row<'subnets'>[]>
  /** Address scope by subnet pool. */
  scopes: ReadonlyMap<string, string | null>
  /** Networks that a DHCP agent serves. */
  served: ReadonlySet<string>
}

async function read(db: NetworkDb, rows: readonly Row<'networks'>[]): Promise<Surroundings> {
  const ids = rows.map((row) => row.id)
  const subnets = await listRows(db, 'subnets', { network_id: ids })
  const pools = await listRows(db, 'subnet_pools', {
    id: [...new Set(subnets.flatMap((subnet) => subnet.subnetpool_id ?? []))],
  })
  const dhcp = await listRows(db, 'ports', { device_owner: 'network:dhcp', network_id: ids })
  return {
    subnets: Map.groupBy(subnets, (subnet) => subnet.network_id),
    scopes: new Map(pools.map((pool) => [pool.id, pool.address_scope_id])),
    served: new Set(dhcp.map((port) => port.network_id)),
  }
}

function view(row: Row<'networks'>, { subnets: all, scopes, served }: Surroundings): Shown<typeof networkAnswer> {
  const subnets = all.get(row.id) ?? []
  const scopeOf = (version: 4 | 6): string | null => {
    const subnet = subnets.find((each) => each.ip_version === version && each.subnetpool_id !== null)
    return scopes.get(subnet?.subnetpool_id ?? '') ?? null
  }
  return {
    ...standard(row),
    admin_state_up: row.admin_state_up === 1,
    status: 'ACTIVE',
    shared: row.shared === 1,
    mtu: row.mtu,
    port_security_enabled: row.port_security_enabled === 1,
    'router:external': row.is_external === 1,
    ...(row.is_external === 1 && { is_default: row.is_default === 1 }),
    availability_zone_hints: parseList<string>(row.zone_hints ?? '[]'),
    availability_zones: served.has(row.id) ? [defaultZone] : [],
    ipv4_address_scope: scopeOf(4),
    ipv6_address_scope: scopeOf(6),
    subnets: subnets.map(({ id }) => id),
    dns_domain: row.dns_domain ?? '',
    'provider:network_type': row.network_type,
    'provider:physical_network': row.physical_network,
    'provider:segmentation_id': row.segmentation_id,
  }
}

export const networks = collection({
  singular: 'network',
  answer: networkAnswer,
  table: 'networks',
  tags: 'networks',
  filters: withTagFilters(
    'admin_state_up',
    'status',
    'shared',
    'router:external',
    'mtu',
    'is_default',
    'provider:network_type',
    'provider:physical_network',
    'provider:segmentation_id',
  ),
  columns: ['id', 'name', 'project_id', 'tenant_id'],
  shows: ['subnets', 'availability_zones', 'availability_zone_hints', 'ipv4_address_scope', 'ipv6_address_scope'],
  scope: (ctx) => ({
    any: [
      ['project_id', ctx.projectId ?? ''],
      ['shared', 1],
      ['is_external', 1],
    ],
  }),
  notFound: networkNotFound,
  targets: () => Promise.resolve(networkTarget),
  async views(db: NetworkDb, rows: readonly Row<'networks'>[], _deps: NetworkDeps) {
    const surroundings = await read(db, rows)
    return rows.map((row) => view(row, surroundings))
  },
})
