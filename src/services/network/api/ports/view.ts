import type { Shown } from '../../../../platform/http/answers.ts'
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import type { NetworkDeps } from '../../deps.ts'
import { portNotFound } from '../../errors.ts'
import { dnsAssignment } from '../../model/port.ts'
import { listRows, parseList, type NetworkDb, type Row } from '../../store/rows.ts'
import { collection } from '../kit/collection.ts'
import { standard, withTagFilters, type View } from '../kit/listing.ts'
import { ownedBy, within } from '../kit/targets.ts'
import { networksOf } from '../subnets/view.ts'
import { portAnswer } from './schema.ts'

export const portTarget = (
  row: { project_id: string; device_owner: string },
  network: Row<'networks'> | undefined,
): PolicyTarget => ({
  ...ownedBy(row.project_id),
  ...within('network', network?.project_id),
  shared: network?.shared === 1,
  device_owner: row.device_owner,
})

function view(
  row: Row<'ports'>,
  addresses: readonly Row<'ip_allocations'>[],
  domain: string,
): Shown<typeof portAnswer> {
  const ips = addresses.map((each) => each.ip)
  return {
    ...standard(row),
    network_id: row.network_id,
    mac_address: row.mac_address,
    admin_state_up: row.admin_state_up === 1,
    status: row.status,
    device_id: row.device_id,
    device_owner: row.device_owner,
    fixed_ips: addresses.map((each) => ({ subnet_id: each.subnet_id, ip_address: each.ip })),
    port_security_enabled: row.port_security_enabled === 1,
    security_groups: parseList(row.security_groups),
    allowed_address_pairs: parseList(row.allowed_address_pairs),
    extra_dhcp_opts: parseList(row.extra_dhcp_opts),
    dns_name: row.dns_name ?? '',
    dns_assignment: dnsAssignment(row.dns_name ?? '', domain, ips),
    'binding:vnic_type': row.vnic_type,
    'binding:host_id': row.host_id,
    'binding:vif_type': row.vif_type,
    'binding:vif_details': row.vif_type === 'bridge' ? { port_filter: true, connectivity: 'l2' } : {},
    'binding:profile': JSON.parse(row.profile) as Record<string, unknown>,
  }
}

async function views(db: NetworkDb, rows: readonly Row<'ports'>[], { config }: NetworkDeps): Promise<View[]> {
  const ids = rows.map((row) => row.id)
  const addresses = Map.groupBy(await listRows(db, 'ip_allocations', { port_id: ids }), (each) => each.port_id)
  return rows.map((row) => view(row, addresses.get(row.id) ?? [], config.dnsDomain))
}

export const ports = collection({
  singular: 'port',
  answer: portAnswer,
  table: 'ports',
  tags: 'ports',
  shows: ['binding:vif_details', 'dns_assignment'],
  filters: withTagFilters(
    'network_id',
    'admin_state_up',
    'mac_address',
    'fixed_ips',
    'device_id',
    'device_owner',
    'status',
    'binding:host_id',
    'binding:vif_type',
    'binding:vnic_type',
    'security_groups',
    'port_security_enabled',
    'dns_name',
  ),
  columns: [
    'id',
    'name',
    'project_id',
    'tenant_id',
    'network_id',
    'mac_address',
    'device_id',
    'device_owner',
    'status',
  ],
  scope: (ctx) => ({
    any: [['project_id', ctx.projectId ?? '']],
    networks: { projectId: ctx.projectId ?? '', shared: false },
  }),
  notFound: portNotFound,
  async targets(db, rows) {
    const networks = await networksOf(db, rows)
    return (row) => portTarget(row, networks.get(row.network_id))
  },
  views,
})
