import { commonOptions } from '../../platform/config/common.ts'
import { option } from '../../platform/config/options.ts'
import { databaseOptions, timelineOptions } from '../../platform/db/options.ts'

/** Options of neutron.conf and ml2_conf.ini. */
export const options = {
  ...commonOptions,
  connection: option.string(
    'database',
    'connection',
    '',
    'SQLAlchemy URL of the database; empty for the embedded one.',
  ),
  ...databaseOptions,
  ...timelineOptions,
  globalPhysnetMtu: option.integer('DEFAULT', 'global_physnet_mtu', 1500, 'MTU of the physical networks.', { min: 68 }),
  agentDownTime: option.integer(
    'DEFAULT',
    'agent_down_time',
    75,
    'Seconds without a report after which an agent is down.',
    { min: 1 },
  ),
  typeDrivers: option.list(
    'ml2',
    'type_drivers',
    ['local', 'flat', 'vlan', 'gre', 'vxlan', 'geneve'],
    'Network types that may be made.',
  ),
  tenantNetworkTypes: option.list(
    'ml2',
    'tenant_network_types',
    ['vxlan'],
    'Types of networks that users make, in order.',
  ),
  flatNetworks: option.list('ml2_type_flat', 'flat_networks', ['*'], 'Physical networks for flat networks; * for any.'),
  vlanRanges: option.list('ml2_type_vlan', 'network_vlan_ranges', [], 'physical_network:min:max, …'),
  vniRanges: option.list('ml2_type_vxlan', 'vni_ranges', ['1:1000'], 'Ranges of VXLAN ids.'),
  geneveRanges: option.list('ml2_type_geneve', 'vni_ranges', [], 'Ranges of Geneve ids.'),
  greRanges: option.list('ml2_type_gre', 'tunnel_id_ranges', [], 'Ranges of GRE tunnel ids.'),
  dnsDomain: option.string('DEFAULT', 'dns_domain', 'openstacklocal', 'Domain of the names that DHCP and DNS give.'),
  maxRoutes: option.integer('DEFAULT', 'max_routes', 30, 'Extra routes of a router.'),
  quotaNetwork: option.integer('QUOTAS', 'quota_network', 100, 'Networks of a project; -1 for no limit.'),
  quotaSubnet: option.integer('QUOTAS', 'quota_subnet', 100, 'Subnets of a project.'),
  quotaSubnetpool: option.integer('QUOTAS', 'quota_subnetpool', -1, 'Subnet pools of a project.'),
  quotaPort: option.integer('QUOTAS', 'quota_port', 500, 'Ports of a project.'),
  quotaRouter: option.integer('QUOTAS', 'quota_router', 10, 'Routers of a project.'),
  quotaFloatingip: option.integer('QUOTAS', 'quota_floatingip', 50, 'Floating IPs of a project.'),
  quotaSecurityGroup: option.integer('QUOTAS', 'quota_security_group', 10, 'Security groups of a project.'),
  quotaSecurityGroupRule: option.integer(
    'QUOTAS',
    'quota_security_group_rule',
    100,
    'Security group rules of a project.',
  ),
  quotaRbacPolicy: option.integer('QUOTAS', 'quota_rbac_policy', 10, 'RBAC policies of a project.'),
}
