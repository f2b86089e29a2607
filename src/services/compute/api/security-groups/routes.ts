/** Nova's own way to neutron's security groups (until 2.36), and the groups of a server. */
import type { Context } from '../../../../platform/auth/context.ts'
import { parseCidr } from '../../../../base/ip.ts'
import { route } from '../route.ts'
import type { ComputeDeps, NewSecurityGroupRule, SecurityGroup } from '../../deps.ts'
import { Invalid, NotFound } from '../../errors.ts'
import { asked, groupsOfServer } from '../../operations/security-groups.ts'
import { offsetOf } from '../paging.ts'
import { findFor } from '../servers/find.ts'
import * as policy from './policy.ts'
import { groupAnswer, groupBody, groupsAnswer, listQuery, ruleAnswer, ruleBody } from './schema.ts'
import { viewGroup, viewRule } from './view.ts'

const until = 'no-proxies'
const own = (ctx: Context) => ({ project_id: ctx.projectId })

async function groupOf(ctx: Context, { securityGroups }: ComputeDeps, id: string): Promise<SecurityGroup> {
  if (!/^[0-9a-f-]{32,36}$/i.test(id)) throw new Invalid(`Security group id should be uuid`)
  const group = await securityGroups.get(ctx.token, id)
  if (!group) throw new NotFound(`Security group ${id} not found.`)
  return group
}

/** The groups that the rules of these name, with the groups themselves. */
async function withRemotes(ctx: Context, { securityGroups }: ComputeDeps, groups: readonly SecurityGroup[]) {
  const known = new Map(groups.map((group) => [group.id, group]))
  const named = groups.flatMap(({ rules }) => rules.flatMap(({ remoteGroupId }) => remoteGroupId ?? []))
  const missing = [...new Set(named)].filter((id) => !known.has(id))
  for (const group of await securityGroups.list(ctx.token, { ids: missing })) known.set(group.id, group)
  return known
}

async function viewAll(ctx: Context, deps: ComputeDeps, groups: readonly SecurityGroup[]) {
  const known = await withRemotes(ctx, deps, groups)
  const key = ({ projectId, name }: SecurityGroup) => `${projectId} ${name}`
  return groups.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).map((group) => viewGroup(group, known))
}

const one = async (ctx: Context, deps: ComputeDeps, group: SecurityGroup) => ({
  status: 200 as const,
  body: { security_group: viewGroup(group, await withRemotes(ctx, deps, [group])) },
})

const groupRoutes = [
  route({
    method: 'GET',
    path: '/os-security-groups',
    until,
    policy: policy.get,
    query: listQuery,
    answer: { 200: groupsAnswer },
    async handle({ ctx, query }, deps) {
      ctx.authorize(policy.get, own(ctx))
      const seesAll = ctx.isAdmin && Object.hasOwn(query, 'all_tenants')
      const groups = await asked(() =>
        deps.securityGroups.list(ctx.token, seesAll ? {} : { projectId: ctx.projectId ?? '' }),
      )
      const shown = await asked(() => viewAll(ctx, deps, groups))
      const { offset, limit } = offsetOf(query, deps.config.maxLimit)
      return { status: 200, body: { security_groups: shown.slice(offset, offset + limit) } }
    },
  }),
  route({
    method: 'GET',
    path: '/os-security-groups/:id',
    until,
    policy: policy.show,
    answer: { 200: groupAnswer },
    handle({ ctx, params }, deps) {
      ctx.authorize(policy.show, own(ctx))
      return asked(async () => one(ctx, deps, await groupOf(ctx, deps, params.id)))
    },
  }),
  route({
    method: 'POST',
    path: '/os-security-groups',
    until,
    policy: policy.create,
    body: groupBody,
    answer: { 200: groupAnswer },
    handle({ ctx, body }, deps) {
      ctx.authorize(policy.create, own(ctx))
      return asked(async () => one(ctx, deps, await deps.securityGroups.create(ctx.token, body.security_group)))
    },
  }),
  route({
    method: 'PUT',
    path: '/os-security-groups/:id',
    until,
    policy: policy.update,
    body: groupBody,
    answer: { 200: groupAnswer },
    handle({ ctx, params, body }, deps) {
      ctx.authorize(policy.update, own(ctx))
      return asked(async () => {
        const { id } = await groupOf(ctx, deps, params.id)
        return one(ctx, deps, await deps.securityGroups.update(ctx.token, id, body.security_group))
      })
    },
  }),
  route({
    method: 'DELETE',
    path: '/os-security-groups/:id',
    until,
    policy: policy.remove,
    answer: { 202: null },
    handle({ ctx, params }, deps) {
      ctx.authorize(policy.remove, own(ctx))
      return asked(async () => {
        const { id } = await groupOf(ctx, deps, params.id)
        await deps.securityGroups.remove(ctx.token, id)
        return { status: 202 as const }
      })
    },
  }),
]

interface GivenRule {
  group_id?: string | null
  parent_group_id: string
  from_port?: unknown
  to_port?: unknown
  ip_protocol?: unknown
  cidr?: unknown
}

/** A text of the rule; null where there is none. */
function textOf(value: unknown, field: string): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw new Invalid(`Invalid input received: ${field} is not a text.`)
  return value
}

/** A port of the rule; null where it is any. */
function portOf(value: unknown, field: string): number | null {
  if (value === undefined || value === null) return null
  if (!/^(-1|\d{1,5})$/.test(String(value))) throw new Invalid(`Invalid input for ${field}. Value: ${String(value)}`)
  return Number(value) === -1 ? null : Number(value)
}

/** What neutron is asked for. Throws 400 where nova's rules for ports, protocol and prefix are not met. */
function toNeutron(given: GivenRule): NewSecurityGroupRule {
  const remoteGroupId = given.group_id ?? null
  const protocol = textOf(given.ip_protocol, 'ip_protocol')?.toLowerCase() ?? null
  if (protocol === null && remoteGroupId === null) throw new Invalid('Not enough parameters to build a valid rule.')
  if (protocol !== null && !['tcp', 'udp', 'icmp'].includes(protocol))
    throw new Invalid(`Invalid IP protocol ${protocol}.`)
  const [from, to] = [portOf(given.from_port, 'from_port'), portOf(given.to_port, 'to_port')]
  if (protocol !== null && protocol !== 'icmp' && remoteGroupId === null && (from === null || to === null))
    throw new Invalid(`Invalid port range ${from ?? 'any'}:${to ?? 'any'}. Valid TCP ports should be between 1-65535`)
  if (from !== null && to !== null && protocol !== 'icmp' && from > to)
    throw new Invalid(`Invalid port range ${from}:${to}. Former value cannot be greater than the later`)
  const [least, most] = protocol === 'icmp' ? [0, 255] : [1, 65_535]
  if ([from, to].some((port) => port !== null && (port < least || port > most)))
    throw new Invalid(`Invalid port range ${from ?? 'any'}:${to ?? 'any'}. They should be between ${least}-${most}`)
  const cidr = remoteGroupId === null ? (textOf(given.cidr, 'cidr') ?? '0.0.0.0/0') : null
  if (cidr !== null) requireCidr(cidr)
  return {
    groupId: given.parent_group_id,
    protocol,
    from,
    to,
    cidr,
    remoteGroupId,
    isIpv6: cidr?.includes(':') ?? false,
  }
}

function requireCidr(cidr: string) {
  try {
    parseCidr(cidr)
  } catch (cause) {
    throw new Invalid(`Invalid cidr ${cidr}.`, { cause })
  }
}

const ruleRoutes = [
  route({
    method: 'POST',
    path: '/os-security-group-rules',
    until,
    policy: policy.createRule,
    body: ruleBody,
    answer: { 200: ruleAnswer },
    handle({ ctx, body }, deps) {
      ctx.authorize(policy.createRule, own(ctx))
      const wanted = toNeutron(body.security_group_rule)
      return asked(async () => {
        await groupOf(ctx, deps, wanted.groupId)
        const remote = wanted.remoteGroupId === null ? [] : [await groupOf(ctx, deps, wanted.remoteGroupId)]
        const made = await deps.securityGroups.createRule(ctx.token, wanted)
        const known = new Map(remote.map((group) => [group.id, group]))
        return { status: 200 as const, body: { security_group_rule: viewRule(made, known) } }
      })
    },
  }),
  route({
    method: 'DELETE',
    path: '/os-security-group-rules/:id',
    until,
    policy: policy.removeRule,
    answer: { 202: null },
    handle({ ctx, params }, deps) {
      ctx.authorize(policy.removeRule, own(ctx))
      const id = params.id
      return asked(async () => {
        if (!(await deps.securityGroups.findRule(ctx.token, id)))
          throw new NotFound(`Security group with rule ${id} not found.`)
        await deps.securityGroups.removeRule(ctx.token, id)
        return { status: 202 as const }
      })
    },
  }),
]

export const securityGroupRoutes = [
  ...groupRoutes,
  ...ruleRoutes,
  route({
    method: 'GET',
    path: '/servers/:id/os-security-groups',
    policy: policy.list,
    answer: { 200: groupsAnswer },
    async handle({ ctx, params }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.list)
      const groups = await asked(() => groupsOfServer(ctx, deps, server))
      return { status: 200, body: { security_groups: await asked(() => viewAll(ctx, deps, groups)) } }
    },
  }),
]
