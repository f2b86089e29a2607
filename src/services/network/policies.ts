/** Neutron's policies by upstream's names, with the checks of its secure defaults; those of attributes included. */
import { rule, type Rule } from '../../platform/auth/policy.ts'

const admin = 'rule:context_is_admin'
const service = 'rule:context_is_admin or role:service'
const reader = 'rule:context_is_admin or role:service or (role:reader and project_id:%(project_id)s)'
const member = 'rule:context_is_admin or role:service or (role:member and project_id:%(project_id)s)'
const network = `${reader} or (role:reader and (rule:shared or rule:external))`
const ownerOrNetworkOwner = `${member} or (role:member and project_id:%(network_project_id)s)`

const verbs = (plural: string, singular: string, write = member, read = reader): [string, string, ...string[]][] => {
  const path = `/v2.0/${plural.replaceAll('_', '-')}`
  return [
    [`get_${singular}`, read, `GET ${path}`, `GET ${path}/{id}`],
    [`create_${singular}`, write, `POST ${path}`],
    [`update_${singular}`, write, `PUT ${path}/{id}`],
    [`delete_${singular}`, write, `DELETE ${path}/{id}`],
  ]
}

const table: [name: string, check: string, ...operations: string[]][] = [
  ['context_is_admin', 'role:admin'],
  ['shared', "'True':%(shared)s"],
  ['external', "'True':%(router:external)s"],
  ...verbs('networks', 'network', member, network),
  ['create_network:shared', admin],
  ['create_network:router:external', admin],
  ['create_network:is_default', admin],
  ['create_network:provider', service],
  ['update_network:shared', admin],
  ['update_network:router:external', admin],
  ['update_network:is_default', admin],
  ['update_network:provider', admin],
  ['get_network:provider', service],
  ...verbs('subnets', 'subnet', member, `${reader} or (role:reader and rule:shared)`),
  ...verbs('ports', 'port', ownerOrNetworkOwner, `${reader} or (role:reader and project_id:%(network_project_id)s)`),
  [
    'create_port:device_owner',
    `not 'network_':%(device_owner_kind)s or ${service} or project_id:%(network_project_id)s`,
  ],
  ['create_port:mac_address', `${service} or project_id:%(network_project_id)s`],
  ['create_port:fixed_ips:ip_address', `${member}`],
  ['create_port:port_security_enabled', `${member}`],
  ['create_port:allowed_address_pairs', `${member}`],
  ['create_port:binding', service],
  [
    'update_port:device_owner',
    `not 'network_':%(device_owner_kind)s or ${service} or project_id:%(network_project_id)s`,
  ],
  ['update_port:mac_address', service],
  ['update_port:binding', service],
  ['get_port:binding', service],
  ...verbs('routers', 'router'),
  ['create_router:external_gateway_info', member],
  ['add_router_interface', member, 'PUT /v2.0/routers/{id}/add_router_interface'],
  ['remove_router_interface', member, 'PUT /v2.0/routers/{id}/remove_router_interface'],
  ...verbs('floatingips', 'floatingip'),
  ['create_floatingip:floating_ip_address', admin],
  ...verbs('security_groups', 'security_group'),
  ...verbs('security_group_rules', 'security_group_rule'),
  ...verbs('agents', 'agent', admin, admin),
  ['get_quota', reader, 'GET /v2.0/quotas/{project_id}'],
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
