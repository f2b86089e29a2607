import type { Shown } from '../../../../platform/http/answers.ts'
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import { subnetNotFound } from '../../errors.ts'
import { listRows, parseList, type NetworkDb, type Row } from '../../store/rows.ts'
import { collection } from '../kit/collection.ts'
import { standard, withTagFilters } from '../kit/listing.ts'
import { ownedBy, within } from '../kit/targets.ts'
import { subnetAnswer } from './schema.ts'

export const networksOf = async (db: NetworkDb, rows: readonly { network_id: string }[]) =>
  new Map(
    (await listRows(db, 'networks', { id: [...new Set(rows.map((row) => row.network_id))] })).map((row) => [
      row.id,
      row,
    ]),
  )

const target = (row: Row<'subnets'>, network: Row<'networks'> | undefined): PolicyTarget => ({
  ...ownedBy(row.project_id),
  ...within('network', network?.project_id),
  shared: network?.shared === 1,
})

const view = (
  row: Row<'subnets'>,
  network: Row<'networks'> | undefined,
): Shown<typeof subnetAnswer> & { shared: boolean } => ({
  ...standard(row),
  network_id: row.network_id,
  ip_version: row.ip_version,
  cidr: row.cidr,
  gateway_ip: row.gateway_ip,
  enable_dhcp: row.enable_dhcp === 1,
  allocation_pools: parseList(row.pools),
  dns_nameservers: parseList(row.dns_nameservers),
  host_routes: parseList(row.host_routes),
  ipv6_ra_mode: row.ipv6_ra_mode,
  ipv6_address_mode: row.ipv6_address_mode,
  subnetpool_id: row.subnetpool_id,
  service_types: parseList(row.service_types ?? '[]'),
  'router:external': network?.is_external === 1,
  // For filters only, as in neutron.
  shared: network?.shared === 1,
})

export const subnets = collection({
  singular: 'subnet',
  answer: subnetAnswer,
  table: 'subnets',
  tags: 'subnets',
  hidden: ['shared'],
  shows: ['prefixlen', 'use_default_subnetpool'],
  filters: withTagFilters(
    'ip_version',
    'network_id',
    'subnetpool_id',
    'cidr',
    'gateway_ip',
    'enable_dhcp',
    'ipv6_ra_mode',
    'ipv6_address_mode',
    'shared',
    'router:external',
  ),
  columns: ['id', 'name', 'project_id', 'tenant_id', 'network_id', 'cidr', 'subnetpool_id'],
  scope: (ctx) => ({
    any: [['project_id', ctx.projectId ?? '']],
    networks: { projectId: ctx.projectId ?? '', shared: true },
  }),
  notFound: subnetNotFound,
  async targets(db, rows) {
    const networks = await networksOf(db, rows)
    return (row) => target(row, networks.get(row.network_id))
  },
  async views(db, rows) {
    const networks = await networksOf(db, rows)
    return rows.map((row) => view(row, networks.get(row.network_id)))
  },
})
