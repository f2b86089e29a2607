/** Where a service differs from its OpenAPI file on purpose, by service type. These lists may only shrink. */
import type { Exception } from './openapi.ts'

const notBuilt = (operations: RegExp): Exception => ({
  kinds: ['route'],
  operations,
  why: 'Not built yet: 404, as everything that is absent.',
})

export const exceptions: Readonly<Record<string, readonly Exception[]>> = {
  identity: [
    {
      kinds: ['policy', 'token'],
      operations: ['GET /', 'HEAD /', 'GET /v3', 'HEAD /v3'],
      why: 'Version documents: clients read them before they have a token.',
    },
    {
      kinds: ['policy', 'token'],
      operations: ['POST /v3/auth/tokens'],
      why: 'The login itself.',
    },
    {
      kinds: ['policy', 'token'],
      operations: ['POST /v3/OS-OAUTH1/request_token', 'POST /v3/OS-OAUTH1/access_token'],
      why: "The consumer's signature is the proof: it has no token yet.",
    },
    {
      kinds: ['route'],
      operations: /^(GET|HEAD) \/v3\/OS-OAUTH1\/(request|access)_token$/,
      why: 'Only POST is allowed, as in keystone: 405, which the router gives.',
    },
    {
      kinds: ['policy', 'token'],
      operations: /^\w+ \/v3(\/auth)?\/OS-FEDERATION\/.*\/(auth|websso)$/,
      why: 'Logins: the assertion that a trusted proxy passes is the proof.',
    },
    {
      kinds: ['policy', 'token'],
      operations: /^\w+ \/v3\/auth\/OS-FEDERATION\/websso\//,
      why: 'Logins: the assertion that a trusted proxy passes is the proof.',
    },
    {
      kinds: ['policy', 'token'],
      operations: ['POST /v3/auth/OS-FEDERATION/saml2', 'POST /v3/auth/OS-FEDERATION/saml2/ecp'],
      why: 'The token that is to be asserted is in the body, as in keystone.',
    },
    {
      kinds: ['route'],
      operations: /^(GET|HEAD) \/v3\/auth\/OS-FEDERATION\/saml2/,
      why: 'Only POST is allowed, as in keystone: 405, which the router gives.',
    },
    {
      kinds: ['policy', 'token'],
      operations: ['GET /v3/OS-FEDERATION/saml2/metadata', 'HEAD /v3/OS-FEDERATION/saml2/metadata'],
      why: 'Other clouds read it before anyone of theirs has a token.',
    },
    {
      kinds: ['policy', 'token'],
      operations: ['POST /v3/OS-OAUTH2/token'],
      why: "The client's credentials are the proof.",
    },
    {
      kinds: ['route'],
      operations: /^(GET|HEAD|PUT|PATCH|DELETE) \/v3\/OS-OAUTH2\/token$/,
      why: 'Only POST is allowed, as in keystone: 405, which the router gives.',
    },
    {
      kinds: ['policy', 'token'],
      operations: /OS-SIMPLE-CERT/,
      why: 'Says that it is gone (410), to anyone.',
    },
    {
      kinds: ['policy', 'token'],
      operations: ['POST /v3/users/{user_id}/password'],
      why: 'The old password is the proof: who has an expired one can have no token.',
    },
    {
      kinds: ['body'],
      operations: [
        'PUT /v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects',
        'PUT /v3/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects',
        'PUT /v3/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/{role_id}/inherited_to_projects',
        'PUT /v3/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects',
        'PUT /v3/OS-EP-FILTER/projects/{project_id}/endpoints/{endpoint_id}',
        'PUT /v3/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects/{project_id}',
        'PUT /v3/policies/{policy_id}/OS-ENDPOINT-POLICY/endpoints/{endpoint_id}',
        'PUT /v3/policies/{policy_id}/OS-ENDPOINT-POLICY/services/{service_id}',
        'PUT /v3/policies/{policy_id}/OS-ENDPOINT-POLICY/services/{service_id}/regions/{region_id}',
        'PUT /v3/projects/{project_id}/tags/{value}',
        'PUT /v3/roles/{prior_role_id}/implies/{implied_role_id}',
        'PUT /v3/system/users/{user_id}/roles/{role_id}',
        'PUT /v3/system/groups/{group_id}/roles/{role_id}',
      ],
      why: 'The address says it all: keystone reads no body, the description has an empty one.',
    },
    {
      kinds: ['route'],
      operations: /^(GET|HEAD) \/v3\/(ec2|s3)tokens$/,
      why: 'Only POST is allowed, as in keystone: 405, which the router gives.',
    },
  ],
  compute: [
    {
      kinds: ['policy', 'token'],
      operations: ['GET /v2.1/'],
      why: 'The version document: clients read it before they have a token.',
    },
    {
      kinds: ['body'],
      operations: ['PUT /v2.1/servers/{server_id}/tags/{id}'],
      why: 'The address says it all: nova reads no body, the description has an empty one.',
    },
    {
      kinds: ['policy', 'body'],
      operations:
        /\/v2\.1\/os-(agents|cells|certificates|cloudpipe|fixed-ips|floating-ip-dns|floating-ips-bulk|fping|networks|security-group-default-rules|tenant-networks)/,
      why: 'Removed from nova: 410 to everybody, whatever is asked.',
    },
    {
      kinds: ['policy', 'body'],
      operations: /\/servers\/\{server_id\}\/(consoles|os-virtual-interfaces)/,
      why: 'Removed from nova: 410 to everybody, whatever is asked.',
    },
    {
      kinds: ['route', 'policy'],
      operations: /^GET \/v2\.1\/os-(networks|tenant-networks)/,
      why: "Proxies of neutron's API, which ended with 2.36: 404 to everybody.",
    },
    {
      kinds: ['route'],
      operations: /\/v2\.1\/os-(baremetal-nodes|hosts|volumes_boot)/,
      why: 'Ended by a microversion or never more than a proxy; what is gone is not here.',
    },
    {
      kinds: ['route'],
      operations: /\/v2\.1\/(images|os-floating-ips|os-floating-ip-pools|os-snapshots|os-volumes)(\/|$)/,
      why: "Proxies of other services' APIs, which ended with 2.36.",
    },
    notBuilt(/\/v2\.1\/(extensions|versions)/),
    notBuilt(/\/v2\.1\/os-(aggregates\/\{id\}\/images|assisted-volume-snapshots|console-auth-tokens)/),
    notBuilt(/\/v2\.1\/os-(instance_usage_audit_log|migrations|simple-tenant-usage)/),
    notBuilt(/\/servers\/\{server_id\}\/(diagnostics|migrations|topology)/),
    notBuilt(/^(POST|PUT|DELETE) .*\/os-volume_attachments/),
  ],
  network: [
    {
      kinds: ['policy'],
      operations: ['GET /v2.0/extensions', 'GET /v2.0/extensions/{id}'],
      why: 'What is built is no secret; upstream has no rule for it either.',
    },
    {
      kinds: ['body'],
      operations: ['PUT /v2.0/ports/{port_id}/bindings/{id}/activate'],
      why: 'The address says it all: nova sends no body, the description has an empty one.',
    },
    {
      kinds: ['route'],
      operations: [
        'POST /v2.0/agents',
        'GET /v2.0/auto-allocated-topology',
        'POST /v2.0/auto-allocated-topology',
        'PUT /v2.0/auto-allocated-topology/{id}',
        'POST /v2.0/floatingip-pools',
        'GET /v2.0/floatingip-pools/{id}',
        'PUT /v2.0/floatingip-pools/{id}',
        'DELETE /v2.0/floatingip-pools/{id}',
        'POST /v2.0/network-ip-availabilities',
        'PUT /v2.0/network-ip-availabilities/{id}',
        'DELETE /v2.0/network-ip-availabilities/{id}',
        'PUT /v2.0/default-security-group-rules/{id}',
        'PUT /v2.0/security-group-rules/{id}',
        'POST /v2.0/service-providers',
        'GET /v2.0/service-providers/{id}',
        'PUT /v2.0/service-providers/{id}',
        'DELETE /v2.0/service-providers/{id}',
      ],
      why: 'The description lists five verbs for every collection; upstream has no handler behind these.',
    },
    {
      kinds: ['route'],
      operations:
        /^(GET|PUT) .*\/(dhcp-networks|l3-routers)\/\{id\}$|^(POST|PUT|DELETE) .*\/(dhcp-agents|l3-agents)|^GET .*\/(dhcp|l3)-agents\/\{id\}$/,
      why: 'Upstream has no handler behind these either.',
    },
    notBuilt(/_external_gateways$/),
    notBuilt(/\/v2\.0\/(flavors|service_profiles)/),
    notBuilt(/(port_forwardings|conntrack_helpers|ndp-proxies|local-ips|local_ips)/),
    notBuilt(/\/v2\.0\/(log|metering|vpn|qos|policies|trunks|segments|rbac-policies)\b/),
    notBuilt(/network[-_]segment[-_]ranges/),
    notBuilt(/onboard_network_subnets$|add_allowed_address_pairs$/),
  ],
  image: [
    {
      kinds: ['policy'],
      operations: /^GET \/v2\/schemas\//,
      why: 'Schemas are the same for every user, and no rule of glance is about them.',
    },
    {
      kinds: ['policy'],
      operations: ['GET /v2/info/import', 'GET /v2/info/stores', 'GET /v2/info/usage'],
      why: "Glance has no rule for them: what is offered to every user, and the caller's own usage.",
    },
    {
      kinds: ['body'],
      operations: ['PATCH /v2/images/{image_id}'],
      why: 'A JSON patch: api/images/patch.ts reads it step by step, with a message of its own for each mistake.',
    },
    {
      kinds: ['body'],
      operations: [
        'POST /v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}',
        'POST /v2/images/{image_id}/actions/deactivate',
        'POST /v2/images/{image_id}/actions/reactivate',
        'PUT /v2/images/{image_id}/tags/{tag_value}',
        'PUT /v2/cache/{image_id}',
      ],
      why: 'The address says it all: glance reads no body, the description has an empty one.',
    },
  ],
  placement: [
    {
      kinds: ['policy', 'token'],
      operations: ['GET /'],
      why: 'The version document: clients read it before they have a token.',
    },
    {
      kinds: ['body'],
      operations: ['PUT /resource_classes/{name}', 'PUT /traits/{name}'],
      why: 'The name in the address says it all: upstream reads no body, the description has an empty one.',
    },
  ],
}

/** Routes of identity (`GET /users/:id`) that decide otherwise than their rule says about the facts of the address. */
export const authorizationExceptions: readonly { routes: readonly string[]; why: string }[] = [
  {
    routes: ['GET /domains/:id/config/security_compliance', 'GET /domains/:id/config/security_compliance/:option'],
    why: 'The form of passwords is one for the whole cloud: keystone refuses (403) to say it for any but the default domain.',
  },
]
