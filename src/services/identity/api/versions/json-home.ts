/**
 * JSON Home: where every resource of the API is, by its relation (draft-nottingham-json-home-03). keystone's relations,
 * by extension: name, path below /v3, and the status where that is not stable.
 */
const resources: Readonly<Record<string, string>> = {
  '': `
    auth_tokens /auth/tokens
    auth_catalog /auth/catalog
    auth_projects /auth/projects
    auth_domains /auth/domains
    auth_system /auth/system
    credential /credentials/{credential_id}
    credentials /credentials
    system_user_role /system/users/{user_id}/roles/{role_id}
    system_user_roles /system/users/{user_id}/roles
    system_group_role /system/groups/{group_id}/roles/{role_id}
    system_group_roles /system/groups/{group_id}/roles
    domain /domains/{domain_id}
    domain_group_role /domains/{domain_id}/groups/{group_id}/roles/{role_id}
    domain_group_roles /domains/{domain_id}/groups/{group_id}/roles
    domain_user_role /domains/{domain_id}/users/{user_id}/roles/{role_id}
    domain_user_roles /domains/{domain_id}/users/{user_id}/roles
    domains /domains
    endpoint /endpoints/{endpoint_id}
    endpoints /endpoints
    group /groups/{group_id}
    group_user /groups/{group_id}/users/{user_id}
    group_users /groups/{group_id}/users
    groups /groups
    policies /policies
    policy /policies/{policy_id}
    project /projects/{project_id}
    project_group_role /projects/{project_id}/groups/{group_id}/roles/{role_id}
    project_group_roles /projects/{project_id}/groups/{group_id}/roles
    project_tags /projects/{project_id}/tags/{value}
    project_user_role /projects/{project_id}/users/{user_id}/roles/{role_id}
    project_user_roles /projects/{project_id}/users/{user_id}/roles
    projects /projects
    region /regions/{region_id}
    regions /regions
    role /roles/{role_id}
    implied_roles /roles/{prior_role_id}/implies
    implied_role /roles/{prior_role_id}/implies/{implied_role_id}
    role_inferences /role_inferences
    role_assignments /role_assignments
    roles /roles
    service /services/{service_id}
    services /services
    user /users/{user_id}
    user_change_password /users/{user_id}/password
    user_groups /users/{user_id}/groups
    user_projects /users/{user_id}/projects
    users /users
    domain_config /domains/{domain_id}/config
    domain_config_group /domains/{domain_id}/config/{group}
    domain_config_option /domains/{domain_id}/config/{group}/{option}
    domain_config_default /domains/config/default
    domain_config_default_group /domains/config/{group}/default
    domain_config_default_option /domains/config/{group}/{option}/default
    registered_limits /registered_limits experimental
    registered_limit /registered_limits/{registered_limit_id} experimental
    limits /limits experimental
    limit /limits/{limit_id} experimental
    limit_model /limits/model experimental
    application_credentials /users/{user_id}/application_credentials
    application_credential /users/{user_id}/application_credentials/{application_credential_id}
    access_rules /users/{user_id}/access_rules
    access_rule /users/{user_id}/access_rules/{access_rule_id}`,
  'OS-EC2/1.0': `
    ec2tokens /ec2tokens
    user_credential /users/{user_id}/credentials/OS-EC2/{credential_id}
    user_credentials /users/{user_id}/credentials/OS-EC2`,
  'OS-PKI/1.0': `
    revocations /auth/tokens/OS-PKI/revoked`,
  'OS-REVOKE/1.0': `
    events /OS-REVOKE/events`,
  'OS-SIMPLE-CERT/1.0': `
    ca_certificate /OS-SIMPLE-CERT/ca
    certificates /OS-SIMPLE-CERT/certificates`,
  'OS-TRUST/1.0': `
    trust /OS-TRUST/trusts/{trust_id}
    trust_role /OS-TRUST/trusts/{trust_id}/roles/{role_id}
    trust_roles /OS-TRUST/trusts/{trust_id}/roles
    trusts /OS-TRUST/trusts`,
  's3tokens/1.0': `
    s3tokens /s3tokens`,
  'OS-OAUTH2/1.0': `
    token /OS-OAUTH2/token`,
  'OS-FEDERATION/1.0': `
    domains /auth/domains
    websso /auth/OS-FEDERATION/websso/{protocol_id}
    projects /auth/projects
    saml2 /auth/OS-FEDERATION/saml2
    ecp /auth/OS-FEDERATION/saml2/ecp
    metadata /OS-FEDERATION/saml2/metadata
    identity_providers /OS-FEDERATION/identity_providers
    service_providers /OS-FEDERATION/service_providers
    mappings /OS-FEDERATION/mappings
    identity_provider /OS-FEDERATION/identity_providers/{idp_id}
    identity_providers_websso /auth/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/websso
    service_provider /OS-FEDERATION/service_providers/{service_provider_id}
    mapping /OS-FEDERATION/mappings/{mapping_id}
    identity_provider_protocol /OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}
    identity_provider_protocols /OS-FEDERATION/identity_providers/{idp_id}/protocols
    identity_provider_protocol_auth /OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/auth`,
  'OS-OAUTH1/1.0': `
    access_tokens /OS-OAUTH1/access_token
    request_tokens /OS-OAUTH1/request_token
    consumers /OS-OAUTH1/consumers
    authorize_request_token /OS-OAUTH1/authorize/{request_token_id}
    consumer /OS-OAUTH1/consumers/{consumer_id}
    user_access_token /users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}
    user_access_tokens /users/{user_id}/OS-OAUTH1/access_tokens
    user_access_token_role /users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles/{role_id}
    user_access_token_roles /users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles`,
  'OS-ENDPOINT-POLICY/1.0': `
    endpoint_policy /endpoints/{endpoint_id}/OS-ENDPOINT-POLICY/policy
    endpoint_policy_association /policies/{policy_id}/OS-ENDPOINT-POLICY/endpoints/{endpoint_id}
    policy_endpoints /policies/{policy_id}/OS-ENDPOINT-POLICY/endpoints
    region_and_service_policy_association /policies/{policy_id}/OS-ENDPOINT-POLICY/services/{service_id}/regions/{region_id}
    service_policy_association /policies/{policy_id}/OS-ENDPOINT-POLICY/services/{service_id}`,
  'OS-EP-FILTER/1.0': `
    endpoint_group /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}
    endpoint_group_to_project_association /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects/{project_id}
    endpoint_groups /OS-EP-FILTER/endpoint_groups
    endpoint_projects /OS-EP-FILTER/endpoints/{endpoint_id}/projects
    endpoints_in_endpoint_group /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/endpoints
    project_endpoint_groups /OS-EP-FILTER/projects/{project_id}/endpoint_groups
    project_endpoint /OS-EP-FILTER/projects/{project_id}/endpoints/{endpoint_id}
    project_endpoints /OS-EP-FILTER/projects/{project_id}/endpoints
    projects_associated_with_endpoint_group /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects`,
  'OS-INHERIT/1.0': `
    domain_user_role_inherited_to_projects /OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects
    domain_group_role_inherited_to_projects /OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects
    domain_user_roles_inherited_to_projects /OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/inherited_to_projects
    domain_group_roles_inherited_to_projects /OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/inherited_to_projects
    project_user_role_inherited_to_projects /OS-INHERIT/projects/{project_id}/users/{user_id}/roles/{role_id}/inherited_to_projects
    project_group_role_inherited_to_projects /OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects`,
}

const base = 'https://docs.openstack.org/api/openstack-identity/3'

/** Parameters that an extension shares with the rest of the API; others are its own. */
const shared: ReadonlySet<string> = new Set(
  'credential_id domain_id endpoint_id group_id policy_id project_id region_id role_id service_id user_id'.split(' '),
)
const aliases: Readonly<Record<string, string>> = {
  value: 'tag_value',
  prior_role_id: 'role_id',
  implied_role_id: 'role_id',
  group: 'config_group',
  option: 'config_option',
}

interface HomeEntry {
  href?: string
  'href-template'?: string
  'href-vars'?: Record<string, string>
  hints?: { status: string }
}

function entryOf(extension: string, path: string, status: string | undefined): HomeEntry {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
  const hints = status === undefined ? {} : { hints: { status } }
  if (names.length === 0) return { href: path, ...hints }
  const relationOf = (name: string) =>
    extension === '' || shared.has(name)
      ? `${base}/param/${aliases[name] ?? name}`
      : `${base}/ext/${extension}/param/${name}`
  return {
    'href-template': path,
    'href-vars': Object.fromEntries(names.map((name) => [name, relationOf(name)])),
    ...hints,
  }
}

/** The document; `prefix` is `/v3` for the one at `/`. */
export const jsonHome = (prefix = ''): { resources: Record<string, HomeEntry> } => ({
  resources: Object.fromEntries(
    Object.entries(resources).flatMap(([extension, lines]) =>
      lines
        .trim()
        .split('\n')
        .map((line) => {
          const [name = '', path = '', status] = line.trim().split(' ')
          return [`${base}${extension && `/ext/${extension}`}/rel/${name}`, entryOf(extension, prefix + path, status)]
        }),
    ),
  ),
})

/** Whether an `Accept` prefers JSON Home over JSON: by quality, then by how exactly it is named. */
export function prefersHome(accept: string | undefined): boolean {
  const json = preference(accept, 'application/json')
  const home = preference(accept, 'application/json-home')
  return home.quality > json.quality || (home.quality === json.quality && home.exactness > json.exactness)
}

function preference(accept = '', type: string): { quality: number; exactness: number } {
  let best = { quality: 0, exactness: 0 }
  for (const range of accept.split(',')) {
    const [name = '', ...parameters] = range.split(';').map((each) => each.trim().toLowerCase())
    const exactness = name === type ? 2 : name === 'application/*' ? 1 : name === '*/*' ? 0 : -1
    if (exactness < best.exactness) continue
    const quality = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1)
    best = { quality: Number.isFinite(quality) ? quality : 0, exactness }
  }
  return best
}
