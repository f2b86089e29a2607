/** Neutron's policies by upstream's names with their 2024.1 checks; those of attributes included. */
import { rule, type Rule } from '../../platform/auth/policy.ts'

const either = (...checks: string[]): string => checks.map((check) => `(${check})`).join(' or ')

const admin = 'rule:admin_only'
const service = 'rule:service_api'
const reader = 'role:reader and project_id:%(project_id)s'
const member = 'role:member and project_id:%(project_id)s'
const netReader = 'role:reader and rule:network_owner'
const netMember = 'role:member and rule:network_owner'
const adminOrService = either(admin, service)
const adminOrReader = either(admin, reader)
const adminOrMember = either(admin, member)
const adminOrNetMember = either(admin, netMember)
const serviceOrNetMember = either(admin, service, netMember)
const advsvc = 'rule:context_is_advsvc'

type Entry = [name: string, check: string, ...operations: string[]]

interface Checks {
  read: string
  write?: string
  create?: string
  remove?: string
  tagsRead?: string
  tagsUpdate?: string
  tagsRemove?: string
}

const pathOf = (plural: string) => `/v2.0/${plural.replaceAll('_', '-')}`

/** The four verbs of a collection, and its tags where it has them. */
function verbs(plural: string, singular: string, checks: Checks, kind: 'tagged' | 'plain' = 'plain'): Entry[] {
  const path = pathOf(plural)
  const write = checks.write ?? adminOrMember
  const entries: Entry[] = [
    [`get_${singular}`, checks.read, `GET ${path}`, `GET ${path}/{id}`],
    [`create_${singular}`, checks.create ?? write, `POST ${path}`],
    [`update_${singular}`, write, `PUT ${path}/{id}`],
    [`delete_${singular}`, checks.remove ?? write, `DELETE ${path}/{id}`],
  ]
  if (kind === 'plain') return entries
  const tags = `${path}/{id}/tags`
  return [
    ...entries,
    [`get_${plural}_tags`, checks.tagsRead ?? checks.read, `GET ${tags}`, `GET ${tags}/{tag}`],
    [`update_${plural}_tags`, checks.tagsUpdate ?? write, `PUT ${tags}`, `PUT ${tags}/{tag}`, `POST ${tags}`],
    [`delete_${plural}_tags`, checks.tagsRemove ?? write, `DELETE ${tags}`, `DELETE ${tags}/{tag}`],
  ]
}

/** Each attribute of a resource that is somebody's privilege. */
const attributes = (action: string, names: Readonly<Record<string, string>>): Entry[] =>
  Object.entries(names).map(([name, check]) => [`${action}:${name}`, check])

const provider = {
  'provider:network_type': admin,
  'provider:physical_network': admin,
  'provider:segmentation_id': admin,
}
const ofNetwork = {
  shared: admin,
  'router:external': admin,
  is_default: admin,
  port_security_enabled: adminOrMember,
  ...provider,
}
const gateway = {
  external_gateway_info: adminOrMember,
  'external_gateway_info:network_id': adminOrMember,
  'external_gateway_info:enable_snat': admin,
  'external_gateway_info:external_fixed_ips': admin,
}
const ofPort = {
  device_owner: either('not rule:network_device', admin, service, netMember),
  fixed_ips: either(admin, service, netMember, 'rule:shared'),
  'fixed_ips:ip_address': serviceOrNetMember,
  'fixed_ips:subnet_id': either(admin, service, netMember, 'rule:shared'),
  mac_address: serviceOrNetMember,
  port_security_enabled: serviceOrNetMember,
  'binding:host_id': adminOrService,
  // What is there is between nova and the driver: not even an administrator writes it.
  'binding:profile': service,
  'binding:vnic_type': either(admin, service, member),
  allowed_address_pairs: adminOrNetMember,
  'allowed_address_pairs:mac_address': adminOrNetMember,
  'allowed_address_pairs:ip_address': adminOrNetMember,
}
const getPort = either(admin, service, netReader, reader)
const getSubnet = either(admin, netMember, reader, 'rule:shared')
const writeSubnet = either(admin, netMember, member)

const table: Entry[] = [
  ['context_is_admin', 'role:admin'],
  ['service_api', 'role:service'],
  ['owner', 'project_id:%(project_id)s'],
  ['admin_or_owner', either('rule:context_is_admin', 'rule:owner')],
  ['context_is_advsvc', 'role:advsvc'],
  ['network_owner', 'project_id:%(network:project_id)s'],
  ['admin_or_network_owner', either('rule:context_is_admin', 'rule:network_owner')],
  ['admin_owner_or_network_owner', either('rule:owner', 'rule:admin_or_network_owner')],
  ['admin_only', 'rule:context_is_admin'],
  ['regular_user', ''],
  ['default', 'rule:admin_or_owner'],
  ['shared', 'field:networks:shared=True'],
  ['external', 'field:networks:router:external=True'],
  ['network_device', 'field:port:device_owner=~^network:'],
  ['sg_owner', 'project_id:%(security_group:project_id)s'],
  ['shared_security_group', 'field:security_groups:shared=True'],
  ['shared_subnetpools', 'field:subnetpools:shared=True'],
  ['shared_address_scopes', 'field:address_scopes:shared=True'],
  ['shared_address_groups', 'field:address_groups:shared=True'],
  ...verbs(
    'networks',
    'network',
    {
      read: either(admin, reader, service, 'rule:shared', 'rule:external', advsvc),
      tagsRead: either(admin, reader, 'rule:shared', 'rule:external', advsvc),
    },
    'tagged',
  ),
  ...attributes('create_network', ofNetwork),
  ...attributes('update_network', ofNetwork),
  ...attributes('get_network', provider),
  ...verbs('subnets', 'subnet', { read: getSubnet, write: writeSubnet, create: adminOrNetMember }, 'tagged'),
  ...attributes('create_subnet', { service_types: admin }),
  ...attributes('update_subnet', { service_types: admin }),
  ...verbs(
    'ports',
    'port',
    {
      read: getPort,
      create: either(admin, member, service),
      write: either(admin, service, member),
      remove: either(admin, service, netMember, member),
      tagsRead: either(advsvc, admin, netReader, reader),
      tagsUpdate: either(admin, member, advsvc),
      tagsRemove: either(advsvc, member, admin, netMember),
    },
    'tagged',
  ),
  ...attributes('create_port', ofPort),
  ...attributes('update_port', { ...ofPort, fixed_ips: serviceOrNetMember, mac_address: adminOrService }),
  ...attributes('get_port', {
    'binding:host_id': adminOrService,
    'binding:vif_type': adminOrService,
    'binding:vif_details': adminOrService,
    'binding:profile': adminOrService,
  }),
  ['get_port_binding', adminOrService, 'GET /v2.0/ports/{port_id}/bindings'],
  ['create_port_binding', service, 'POST /v2.0/ports/{port_id}/bindings'],
  // Upstream has no default for it, so that neutron's own applies.
  ['update_port_binding', service, 'PUT /v2.0/ports/{port_id}/bindings/{host}'],
  ['delete_port_binding', service, 'DELETE /v2.0/ports/{port_id}/bindings/{host}'],
  ['activate', service, 'PUT /v2.0/ports/{port_id}/bindings/{host}/activate'],
  ...verbs('routers', 'router', { read: adminOrReader }, 'tagged'),
  ...attributes('create_router', gateway),
  ...attributes('update_router', gateway),
  ['add_router_interface', adminOrMember, 'PUT /v2.0/routers/{id}/add_router_interface'],
  ['remove_router_interface', adminOrMember, 'PUT /v2.0/routers/{id}/remove_router_interface'],
  ['add_extraroutes', adminOrMember, 'PUT /v2.0/routers/{id}/add_extraroutes'],
  ['remove_extraroutes', adminOrMember, 'PUT /v2.0/routers/{id}/remove_extraroutes'],
  ...verbs('floatingips', 'floatingip', { read: adminOrReader }, 'tagged'),
  ['create_floatingip:floating_ip_address', admin],
  ['get_floatingip_pool', adminOrReader, 'GET /v2.0/floatingip_pools'],
  ...verbs(
    'security_groups',
    'security_group',
    { read: either(admin, reader, 'rule:shared_security_group') },
    'tagged',
  ),
  ...verbs('security_group_rules', 'security_group_rule', { read: either(admin, reader, 'rule:sg_owner') }),
  ['create_default_security_group_rule', admin, 'POST /v2.0/default-security-group-rules'],
  ['get_default_security_group_rule', 'role:reader', 'GET /v2.0/default-security-group-rules'],
  ['delete_default_security_group_rule', admin, 'DELETE /v2.0/default-security-group-rules/{id}'],
  ...verbs('subnetpools', 'subnetpool', { read: either(admin, reader, 'rule:shared_subnetpools') }, 'tagged'),
  ...attributes('create_subnetpool', { shared: admin, is_default: admin }),
  ...attributes('update_subnetpool', { is_default: admin }),
  ['add_prefixes', adminOrMember, 'PUT /v2.0/subnetpools/{id}/add_prefixes'],
  ['remove_prefixes', adminOrMember, 'PUT /v2.0/subnetpools/{id}/remove_prefixes'],
  ...verbs('address_scopes', 'address_scope', { read: either(admin, reader, 'rule:shared_address_scopes') }),
  ...attributes('create_address_scope', { shared: admin }),
  ...attributes('update_address_scope', { shared: admin }),
  ...verbs('address_groups', 'address_group', { read: either(admin, reader, 'rule:shared_address_groups') }),
  ['add_addresses', adminOrMember, 'PUT /v2.0/address-groups/{id}/add_addresses'],
  ['remove_addresses', adminOrMember, 'PUT /v2.0/address-groups/{id}/remove_addresses'],
  ['get_network_ip_availability', admin, 'GET /v2.0/network-ip-availabilities'],
  ['get_auto_allocated_topology', adminOrReader, 'GET /v2.0/auto-allocated-topology/{project_id}'],
  ['delete_auto_allocated_topology', adminOrMember, 'DELETE /v2.0/auto-allocated-topology/{project_id}'],
  ['get_availability_zone', 'role:reader', 'GET /v2.0/availability_zones'],
  ['get_service_provider', 'role:reader', 'GET /v2.0/service-providers'],
  ...verbs('agents', 'agent', { read: admin, write: admin }).filter(([name]) => name !== 'create_agent'),
  ['get_dhcp-networks', admin, 'GET /v2.0/agents/{agent_id}/dhcp-networks'],
  ['create_dhcp-network', admin, 'POST /v2.0/agents/{agent_id}/dhcp-networks'],
  ['delete_dhcp-network', admin, 'DELETE /v2.0/agents/{agent_id}/dhcp-networks/{network_id}'],
  ['get_l3-routers', admin, 'GET /v2.0/agents/{agent_id}/l3-routers'],
  ['create_l3-router', admin, 'POST /v2.0/agents/{agent_id}/l3-routers'],
  ['delete_l3-router', admin, 'DELETE /v2.0/agents/{agent_id}/l3-routers/{router_id}'],
  ['get_dhcp-agents', admin, 'GET /v2.0/networks/{network_id}/dhcp-agents'],
  ['get_l3-agents', admin, 'GET /v2.0/routers/{router_id}/l3-agents'],
  ['get_quota', admin, 'GET /v2.0/quotas/{project_id}'],
  ['update_quota', admin, 'PUT /v2.0/quotas/{project_id}'],
  ['delete_quota', admin, 'DELETE /v2.0/quotas/{project_id}'],
]

const byName = new Map(table.map(([name, check, ...operations]) => [name, rule(name, check, '', ...operations)]))

/** Every rule, for the enforcer. */
export const policies: readonly Rule[] = [...byName.values()]

/** A rule by name. Throws on a name that is not in the table. */
export function policy(name: string): Rule {
  const found = byName.get(name)
  if (!found) throw new Error(`neutron has no policy ${name}`)
  return found
}

/** The rule of an attribute (`create_network:shared`), where it is somebody's privilege. */
export const attributePolicy = (action: string, attribute: string): Rule | undefined =>
  byName.get(`${action}:${attribute}`)

/** The attributes that only some may see. */
export const guardedAttributes = (singular: string): string[] =>
  policies.flatMap(({ name }) => (name.startsWith(`get_${singular}:`) ? [name.slice(`get_${singular}:`.length)] : []))

/** What a refused caller reads: oslo.policy joins the rule of the verb with that of the attribute. */
export function denial({ name }: Rule): string {
  const attribute = name.indexOf(':')
  if (attribute < 0) return `rule:${name} is disallowed by policy`
  return `(rule:${name.slice(0, attribute)} and rule:${name}) is disallowed by policy`
}
