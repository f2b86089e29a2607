import { Type, type Static } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import type { NetworkDeps } from '../deps.ts'
import {
  badRequest,
  conflict,
  securityGroupInUse,
  securityGroupNotFound,
  securityGroupRuleExists,
  securityGroupRuleNotFound,
} from '../errors.ts'
import { parsePrefix, parseAddress } from '../model/address.ts'
import { groupsOf } from '../operations/ports.ts'
import { requireQuota } from '../operations/quota.ts'
import { defaultGroup, insertGroup, newRule } from '../operations/security-groups.ts'
import { policy } from '../policies.ts'
import { deleteRows, findRow, insertRow, listRows, touched, updateRow, type Row } from '../store/rows.ts'
import { page, pick, standard, type View } from './listing.ts'
import { kinds, ownerOf } from './schema.ts'

type Group = Row<'security_groups'>
type SecurityRule = Row<'security_group_rules'>

const viewRule = (row: SecurityRule): View => ({
  id: row.id,
  project_id: row.project_id,
  tenant_id: row.project_id,
  security_group_id: row.security_group_id,
  description: row.description,
  direction: row.direction,
  ethertype: row.ethertype,
  protocol: row.protocol,
  port_range_min: row.port_range_min,
  port_range_max: row.port_range_max,
  remote_ip_prefix: row.remote_ip_prefix,
  remote_group_id: row.remote_group_id,
  remote_address_group_id: null,
  normalized_cidr: row.remote_ip_prefix,
  tags: [],
  created_at: `${new Date(Number(row.created_at)).toISOString().slice(0, 19)}Z`,
  updated_at: `${new Date(Number(row.created_at)).toISOString().slice(0, 19)}Z`,
  revision_number: 0,
})

const viewGroup = (row: Group, rules: readonly SecurityRule[]): View => ({
  ...standard(row),
  stateful: row.stateful === 1,
  shared: false,
  security_group_rules: rules.map(viewRule),
})

const owner = (row: { project_id: string }) => ({ project_id: row.project_id })

async function visible(ctx: Context, { database: { db } }: NetworkDeps, id: string): Promise<Group> {
  const row = await findRow(db, 'security_groups', { id })
  if (!row || !ctx.can(policy('get_security_group'), owner(row))) throw securityGroupNotFound(id)
  return row
}

const rulesOf = ({ database: { db } }: NetworkDeps, groups: readonly Group[]) =>
  listRows(db, 'security_group_rules', { security_group_id: groups.map((group) => group.id) })

const list = route({
  method: 'GET',
  path: '/security-groups',
  policy: policy('get_security_group'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, deps: NetworkDeps) {
    // As in neutron, a project's first look makes its default group; never somebody else's (OSSA-2022).
    if (
      ctx.projectId !== null &&
      !(await findRow(deps.database.db, 'security_groups', { project_id: ctx.projectId, is_default: 1 }))
    ) {
      await deps.change((tx) => defaultGroup(tx, ctx.projectId!))
    }
    const rows = (await listRows(deps.database.db, 'security_groups', { id: query['id'] })).filter((row) =>
      ctx.can(policy('get_security_group'), owner(row)),
    )
    const rules = Map.groupBy(await rulesOf(deps, rows), (each) => each.security_group_id)
    return page(
      'security_groups',
      rows.map((row) => viewGroup(row, rules.get(row.id) ?? [])),
      query,
      baseUrl + url,
    )
  },
})

const show = route({
  method: 'GET',
  path: '/security-groups/:id',
  policy: policy('get_security_group'),
  async handle({ ctx, params, query }: ApiRequest<never>, deps: NetworkDeps) {
    const row = await visible(ctx, deps, params['id'] ?? '')
    return { status: 200, body: { security_group: pick(viewGroup(row, await rulesOf(deps, [row])), query) } }
  },
})

const attributes = { description: Type.Optional(kinds.name), stateful: Type.Optional(kinds.boolean) }

const create = route({
  method: 'POST',
  path: '/security-groups',
  policy: policy('create_security_group'),
  body: Type.Object({
    security_group: Type.Object({ name: kinds.name, ...attributes, ...kinds.owner }, { additionalProperties: false }),
  }),
  async handle({ ctx, body: { security_group: input } }, deps: NetworkDeps) {
    const projectId = ownerOf(ctx, input)
    ctx.authorize(policy('create_security_group'), { project_id: projectId })
    if (input.name === 'default')
      throw conflict('SecurityGroupDefaultAlreadyExists', 'Default security group already exists.')
    const row = await deps.change(async (tx) => {
      await defaultGroup(tx, projectId)
      await requireQuota(tx, deps, projectId, 'security_group')
      return insertGroup(tx, projectId, input, false)
    })
    return { status: 201, body: { security_group: viewGroup(row, await rulesOf(deps, [row])) } }
  },
})

const update = route({
  method: 'PUT',
  path: '/security-groups/:id',
  policy: policy('update_security_group'),
  body: Type.Object({
    security_group: Type.Object({ name: Type.Optional(kinds.name), ...attributes }, { additionalProperties: false }),
  }),
  async handle({ ctx, params, body: { security_group: input } }, deps: NetworkDeps) {
    const row = await visible(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('update_security_group'), owner(row))
    if (row.is_default === 1 && input.name !== undefined && input.name !== 'default')
      throw conflict('SecurityGroupCannotUpdateDefault', 'Updating default security group not allowed.')
    await deps.change((tx) =>
      updateRow(tx, 'security_groups', row.id, {
        ...(input.name !== undefined && { name: input.name }),
        ...(input.description !== undefined && { description: input.description }),
        ...(input.stateful !== undefined && { stateful: input.stateful ? 1 : 0 }),
        ...touched(row),
      }),
    )
    const changed = (await findRow(deps.database.db, 'security_groups', { id: row.id }))!
    return { status: 200, body: { security_group: viewGroup(changed, await rulesOf(deps, [changed])) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/security-groups/:id',
  policy: policy('delete_security_group'),
  async handle({ ctx, params }: ApiRequest<never>, deps: NetworkDeps) {
    const row = await visible(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('delete_security_group'), owner(row))
    if (row.is_default === 1 && !ctx.isAdmin)
      throw conflict('SecurityGroupCannotRemoveDefault', 'Insufficient rights for removing default security group.')
    await deps.change(async (tx) => {
      const ports = await listRows(tx, 'ports', { project_id: row.project_id })
      if (ports.some((port) => groupsOf(port).includes(row.id))) throw securityGroupInUse(row.id, 'in use')
      await deleteRows(tx, 'security_group_rules', { security_group_id: row.id })
      await deleteRows(tx, 'security_group_rules', { remote_group_id: row.id })
      await deleteRows(tx, 'security_groups', { id: row.id })
    })
    return { status: 204 }
  },
})

const port = Type.Optional(
  Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: 65535 }), Type.String({ pattern: '^\\d{1,5}$' })]),
)
const createRuleBody = Type.Object(
  {
    ...kinds.owner,
    security_group_id: kinds.uuid,
    direction: Type.Enum(['ingress', 'egress']),
    ethertype: Type.Optional(Type.Enum(['IPv4', 'IPv6'])),
    protocol: Type.Optional(
      Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: 255 }), Type.String({ maxLength: 32 })]),
    ),
    port_range_min: port,
    port_range_max: port,
    remote_ip_prefix: Type.Optional(kinds.nullableText),
    remote_group_id: Type.Optional(Type.Union([Type.Null(), kinds.uuid])),
    remote_address_group_id: Type.Optional(Type.Null()),
    description: Type.Optional(kinds.name),
  },
  { additionalProperties: false },
)

const protocolNames = [
  'ah',
  'dccp',
  'egp',
  'esp',
  'gre',
  'hopopt',
  'icmp',
  'icmpv6',
  'igmp',
  'ip',
  'ipip',
  'ipv6-encap',
  'ipv6-frag',
  'ipv6-icmp',
  'ipv6-nonxt',
  'ipv6-opts',
  'ipv6-route',
  'ospf',
  'pgm',
  'rsvp',
  'sctp',
  'tcp',
  'udp',
  'udplite',
  'vrrp',
]
const withPorts = ['tcp', 'udp', 'sctp', 'dccp', 'udplite', '6', '17', '132', '33', '136']
const icmpLike = ['icmp', 'icmpv6', 'ipv6-icmp', '1', '58']

/** The rule's fields, checked against each other. Source: neutron's security group rule validation. */
function checkRule(input: Static<typeof createRuleBody>) {
  const number = (value: string | number | null | undefined) => (value == null ? null : Number(value))
  const protocolText = input.protocol == null || input.protocol === 'any' ? null : String(input.protocol).toLowerCase()
  const min = number(input.port_range_min)
  const max = number(input.port_range_max)
  if (protocolText !== null && !protocolNames.includes(protocolText) && !/^\d{1,3}$/.test(protocolText)) {
    throw badRequest(
      'SecurityGroupRuleInvalidProtocol',
      `Security group rule protocol ${protocolText} not supported. Only protocol values ${protocolNames.join(', ')} and integer representations [0 to 255] are supported.`,
    )
  }
  if ((min !== null || max !== null) && protocolText === null)
    throw badRequest('SecurityGroupProtocolRequiredWithPorts', 'Must also specify protocol if port range is given.')
  if (protocolText !== null && withPorts.includes(protocolText)) {
    const isRight = (min === null && max === null) || (min !== null && max !== null && min <= max)
    if (!isRight)
      throw badRequest(
        'SecurityGroupInvalidPortRange',
        'For TCP/UDP protocols, port_range_min must be <= port_range_max.',
      )
  }
  if (protocolText !== null && icmpLike.includes(protocolText) && ((min ?? 0) > 255 || (max ?? 0) > 255)) {
    throw badRequest('SecurityGroupInvalidIcmpValue', `Invalid value for ICMP type or code: it must be 0 to 255.`)
  }
  const ethertype = input.ethertype ?? 'IPv4'
  const cidr = input.remote_ip_prefix ?? null
  if (cidr !== null && input.remote_group_id)
    throw badRequest(
      'SecurityGroupRemoteGroupAndRemoteIpPrefix',
      'Only remote_ip_prefix or remote_group_id may be provided.',
    )
  const prefix =
    cidr === null
      ? undefined
      : (parsePrefix(cidr) ?? (parseAddress(cidr) && parsePrefix(`${cidr}/${cidr.includes(':') ? 128 : 32}`)))
  if (cidr !== null && !prefix)
    throw badRequest(
      'InvalidInput',
      `Invalid input for remote_ip_prefix. Reason: '${cidr}' is neither a valid IP address, nor is it a valid IP subnet.`,
    )
  if (prefix && `IPv${prefix.version}` !== ethertype)
    throw badRequest('SecurityGroupRuleParameterConflict', `Conflicting value ethertype ${ethertype} for CIDR ${cidr}`)
  return {
    ethertype: String(ethertype),
    protocol: protocolText,
    port_range_min: min,
    port_range_max: max,
    remote_ip_prefix: cidr,
    remote_group_id: input.remote_group_id ?? null,
  }
}

async function createRule(
  ctx: Context,
  deps: NetworkDeps,
  input: Static<typeof createRuleBody>,
): Promise<SecurityRule> {
  const group = await visible(ctx, deps, input.security_group_id)
  ctx.authorize(policy('create_security_group_rule'), owner(group))
  const fields = { ...checkRule(input), direction: String(input.direction) }
  if (fields.remote_group_id !== null) await visible(ctx, deps, fields.remote_group_id)
  return deps.change(async (tx) => {
    await requireQuota(tx, deps, group.project_id, 'security_group_rule')
    const existing = (await listRows(tx, 'security_group_rules', { security_group_id: group.id })).find((row) =>
      (Object.keys(fields) as (keyof typeof fields)[]).every((name) => row[name] === fields[name]),
    )
    if (existing) throw securityGroupRuleExists(existing.id)
    const row = newRule(group, { ...fields, description: input.description ?? '' })
    await insertRow(tx, 'security_group_rules', row)
    return row
  })
}

const addRule = route({
  method: 'POST',
  path: '/security-group-rules',
  policy: policy('create_security_group_rule'),
  body: Type.Object({ security_group_rule: createRuleBody }),
  async handle({ ctx, body }, deps: NetworkDeps) {
    return {
      status: 201,
      body: { security_group_rule: viewRule(await createRule(ctx, deps, body.security_group_rule)) },
    }
  },
})

const listRules = route({
  method: 'GET',
  path: '/security-group-rules',
  policy: policy('get_security_group_rule'),
  async handle({ ctx, query, baseUrl, url }: ApiRequest<never>, { database: { db } }: NetworkDeps) {
    const rows = (await listRows(db, 'security_group_rules', { security_group_id: query['security_group_id'] })).filter(
      (row) => ctx.can(policy('get_security_group_rule'), owner(row)),
    )
    return page('security_group_rules', rows.map(viewRule), query, baseUrl + url)
  },
})

async function visibleRule(ctx: Context, { database: { db } }: NetworkDeps, id: string): Promise<SecurityRule> {
  const row = await findRow(db, 'security_group_rules', { id })
  if (!row || !ctx.can(policy('get_security_group_rule'), owner(row))) throw securityGroupRuleNotFound(id)
  return row
}

const showRule = route({
  method: 'GET',
  path: '/security-group-rules/:id',
  policy: policy('get_security_group_rule'),
  async handle({ ctx, params, query }: ApiRequest<never>, deps: NetworkDeps) {
    return {
      status: 200,
      body: { security_group_rule: pick(viewRule(await visibleRule(ctx, deps, params['id'] ?? '')), query) },
    }
  },
})

const removeRule = route({
  method: 'DELETE',
  path: '/security-group-rules/:id',
  policy: policy('delete_security_group_rule'),
  async handle({ ctx, params }: ApiRequest<never>, deps: NetworkDeps) {
    const row = await visibleRule(ctx, deps, params['id'] ?? '')
    ctx.authorize(policy('delete_security_group_rule'), owner(row))
    await deps.change((tx) => deleteRows(tx, 'security_group_rules', { id: row.id }))
    return { status: 204 }
  },
})

export const securityGroupRoutes = [
  list,
  show,
  create,
  update,
  remove,
  addRule,
  listRules,
  showRule,
  removeRule,
] as Route<NetworkDeps>[]
