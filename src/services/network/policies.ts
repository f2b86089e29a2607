/** Neutron's policies by upstream's names, with the checks of its secure defaults; those of attributes included. */
import { rule, type Rule } from '../../platform/auth/policy.ts'

const admin = 'rule:context_is_admin'
const service = `${admin} or role:service`
const owner = 'project_id:%(project_id)s'
const reader = `${service} or (role:reader and ${owner})`
const member = `${service} or (role:member and ${owner})`
const manager = `${service} or (role:manager and ${owner})`
const netOwner = `${service} or (role:member and rule:network_owner)`
const memberOrNetOwner = `${member} or (role:member and rule:network_owner)`
const ofShared = 'role:reader and (rule:shared or rule:external)'
const network = `${reader} or (${ofShared})`

type Entry = [name: string, check: string, ...operations: string[]]

const verbs = (plural: string, singular: string, write = member, read = reader, remove = write): Entry[] => {
  const path = `/v2.0/${plural.replaceAll('_', '-')}`
  return [
    [`get_${singular}`, read, `GET ${path}`, `GET ${path}/{id}`],
    [`create_${singular}`, write, `POST ${path}`],
    [`update_${singular}`, write, `PUT ${path}/{id}`],
    [`delete_${singular}`, remove, `DELETE ${path}/{id}`],
  ]
}

/** Each attribute of a resource that is somebody's privilege. */
const attributes = (action: string, names: Readonly<Record<string, string>>): Entry[] =>
  Object.entries(names).map(([name, check]) => [`${action}:${name}`, check])

const tags = (plural: string, singular: string, write = member, read = reader): Entry[] => {
  const path = `/v2.0/${plural.replaceAll('_', '-')}/{id}/tags`
  return [
    [`get_${singular}:tags`, read, `GET ${path}`, `GET ${path}/{tag}`],
    [`create_${singular}:tags`, write, `POST ${path}`],
    [`update_${singular}:tags`, write, `PUT ${path}`, `PUT ${path}/{tag}`],
    [`delete_${singular}:tags`, write, `DELETE ${path}`, `DELETE ${path}/{tag}`],
  ]
}

const provider = (check: string) => ({
  'provider:network_type': check,
  'provider:physical_network': check,
  'provider:segmentation_id': check,
})
const ofNetwork = { shared: admin, 'router:external': admin, is_default: admin, port_security_enabled: member }
const gateway = {
  external_gateway_info: member,
  'external_gateway_info:network_id': member,
  'external_gateway_info:enable_snat': admin,
  'external_gateway_info:external_fixed_ips': admin,
  distributed: admin,
  ha: admin,
}
const ofPort = {
  device_owner: `not rule:network_device or ${netOwner}`,
  fixed_ips: `${netOwner} or rule:shared`,
  'fixed_ips:ip_address': netOwner,
  'fixed_ips:subnet_id': `${netOwner} or rule:shared`,
  port_security_enabled: netOwner,
  allowed_address_pairs: netOwner,
  'binding:host_id': service,
  // Nova's service user; what else an administrator would write there is between nova and the driver.
  'binding:profile': service,
  'binding:vnic_type': member,
}
const ofSubnet = `${network} or (role:reader and rule:network_owner)`
const shared = `${reader} or (role:reader and rule:shared)`

const table: Entry[] = [
  ['context_is_admin', 'role:admin'],
  ['shared', "'True':%(shared)s"],
  ['external', "'True':%(router:external)s"],
  ['network_owner', 'project_id:%(network:project_id)s'],
  ['network_device', "'True':%(is_network_device)s"],
  ...verbs('networks', 'network', member, network),
  ...attributes('create_network', { ...ofNetwork, ...provider(admin) }),
  ...attributes('update_network', { ...ofNetwork, ...provider(admin) }),
  ...attributes('get_network', provider(service)),
  ...tags('networks', 'network', member, network),
  ...verbs('subnets', 'subnet', memberOrNetOwner, ofSubnet).filter(([name]) => name !== 'create_subnet'),
  ['create_subnet', netOwner, 'POST /v2.0/subnets'],
  ...tags('subnets', 'subnet', memberOrNetOwner, ofSubnet),
  ...verbs('ports', 'port', member, `${reader} or (role:reader and rule:network_owner)`, memberOrNetOwner),
  ...attributes('create_port', { ...ofPort, mac_address: netOwner }),
  ...attributes('update_port', {
    ...ofPort,
    mac_address: `${service} or (role:manager and rule:network_owner)`,
    fixed_ips: netOwner,
  }),
  ...attributes('get_port', {
    'binding:host_id': service,
    'binding:vif_type': service,
    'binding:vif_details': service,
    'binding:profile': service,
  }),
  ...tags('ports', 'port', member, `${reader} or (role:reader and rule:network_owner)`),
  ...verbs('routers', 'router'),
  ...attributes('create_router', gateway),
  ...attributes('update_router', gateway),
  ...tags('routers', 'router'),
  ['add_router_interface', member, 'PUT /v2.0/routers/{id}/add_router_interface'],
  ['remove_router_interface', member, 'PUT /v2.0/routers/{id}/remove_router_interface'],
  ['add_extraroutes', member, 'PUT /v2.0/routers/{id}/add_extraroutes'],
  ['remove_extraroutes', member, 'PUT /v2.0/routers/{id}/remove_extraroutes'],
  ...verbs('floatingips', 'floatingip'),
  ['create_floatingip:floating_ip_address', admin],
  ...tags('floatingips', 'floatingip'),
  ...verbs('security_groups', 'security_group'),
  ...tags('security_groups', 'security_group'),
  ...verbs('security_group_rules', 'security_group_rule'),
  ['create_default_security_group_rule', admin, 'POST /v2.0/default-security-group-rules'],
  ['get_default_security_group_rule', 'role:reader', 'GET /v2.0/default-security-group-rules'],
  ['delete_default_security_group_rule', admin, 'DELETE /v2.0/default-security-group-rules/{id}'],
  ...verbs('subnetpools', 'subnetpool', member, shared),
  ...attributes('create_subnetpool', { shared: admin, is_default: admin }),
  ...attributes('update_subnetpool', { is_default: admin }),
  ...tags('subnetpools', 'subnetpool', member, shared),
  ['add_prefixes', member, 'PUT /v2.0/subnetpools/{id}/add_prefixes'],
  ['remove_prefixes', member, 'PUT /v2.0/subnetpools/{id}/remove_prefixes'],
  ...verbs('address_scopes', 'address_scope', member, shared),
  ...attributes('create_address_scope', { shared: admin }),
  ...attributes('update_address_scope', { shared: admin }),
  ['get_network_ip_availability', service, 'GET /v2.0/network-ip-availabilities'],
  ['get_auto_allocated_topology', reader, 'GET /v2.0/auto-allocated-topology/{project_id}'],
  ['delete_auto_allocated_topology', member, 'DELETE /v2.0/auto-allocated-topology/{project_id}'],
  ...verbs('agents', 'agent', admin, admin),
  // Who asks for his own project needs no more than to be in it (neutron's quota controller).
  ['get_quota', `${manager} or ${reader}`, 'GET /v2.0/quotas/{project_id}'],
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
