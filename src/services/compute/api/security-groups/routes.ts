/** Nova's own way to neutron's security groups (until 2.36), and the groups of a server. */
import type { Context } from '../../../../platform/auth/context.ts'
import { parseCidr } from '../../../../base/ip.ts'
import { route } from '../../../../platform/http/route.ts'
import type { ComputeDeps, NewSecurityGroupRule, SecurityGroup } from '../../deps.ts'
import { BadRequest, NotFound } from '../../errors.ts'
import { asked, groupsOfServer } from '../../operations/security-groups.ts'
import { findFor } from '../servers/find.ts'
import * as policy from './policy.ts'
import { groupBody, ruleBody } from './schema.ts'
import { viewGroup, viewRule } from './view.ts'

const until = 'no-proxies'
const own = (ctx: Context) => ({ project_id: ctx.projectId })

async function groupOf(ctx: Context, { securityGroups }: ComputeDeps, id: string): Promise<SecurityGroup> {
  if (!/^[0-9a-f-]{32,36}$/i.test(id)) throw new BadRequest(`Security group id should be uuid`)
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
  status: 200,
  body: { security_group: viewGroup(group, await withRemotes(ctx, deps, [group])) },
})

const groupRoutes = [
  route({
    method: 'GET',
    path: '/os-security-groups',
    until,
    policy: policy.get,
    async handle({ ctx }, deps: ComputeDeps) {
      ctx.authorize(policy.get, own(ctx))
      const groups = await asked(() => deps.securityGroups.list(ctx.token, { projectId: ctx.projectId ?? '' }))
      return { status: 200, body: { security_groups: await asked(() => viewAll(ctx, deps, groups)) } }
    },
  }),
  route({
    method: 'GET',
    path: '/os-security-groups/:id',
    until,
    policy: policy.show,
    handle({ ctx, params }, deps: ComputeDeps) {
      ctx.authorize(policy.show, own(ctx))
      return asked(async () => one(ctx, deps, await groupOf(ctx, deps, params['id']!)))
    },
  }),
  route({
    method: 'POST',
    path: '/os-security-groups',
    until,
    policy: policy.create,
    body: groupBody,
    handle({ ctx, body }, deps: ComputeDeps) {
      ctx.authorize(policy.create, own(ctx))
      return asked(async () =>
        one(ctx, deps, await deps.securityGroups.create(ctx.token, textsOf(body.security_group))),
      )
    },
  }),
  route({
    method: 'PUT',
    path: '/os-security-groups/:id',
    until,
    policy: policy.update,
    body: groupBody,
    handle({ ctx, params, body }, deps: ComputeDeps) {
      ctx.authorize(policy.update, own(ctx))
      return asked(async () => {
        const { id } = await groupOf(ctx, deps, params['id']!)
        return one(ctx, deps, await deps.securityGroups.update(ctx.token, id, textsOf(body.security_group)))
      })
    },
  }),
  route({
    method: 'DELETE',
    path: '/os-security-groups/:id',
    until,
    policy: policy.remove,
    handle({ ctx, params }, deps: ComputeDeps) {
      ctx.authorize(policy.remove, own(ctx))
      return asked(async () => {
        const { id } = await groupOf(ctx, deps, params['id']!)
        await deps.securityGroups.remove(ctx.token, id)
        return { status: 202 }
      })
    },
  }),
]

const textsOf = ({ name, description }: { name: string | null; description: string | null }) => ({
  name: (name ?? '').trim(),
  description: (description ?? '').trim(),
})

interface GivenRule {
  group_id?: string | null
  parent_group_id: string
  from_port?: number | string | null
  to_port?: number | string | null
  ip_protocol?: string | null
  cidr?: string | null
}

/** What neutron is asked for. Throws 400 where nova's rules for ports, protocol and prefix are not met. */
function toNeutron(given: GivenRule): NewSecurityGroupRule {
  const remoteGroupId = given.group_id ?? null
  const protocol = given.ip_protocol?.toLowerCase() ?? null
  if (protocol === null && remoteGroupId === null) throw new BadRequest('Not enough parameters to build a valid rule.')
  if (protocol !== null && !['tcp', 'udp', 'icmp'].includes(protocol))
    throw new BadRequest(`Invalid IP protocol ${given.ip_protocol}.`)
  const port = (value: number | string | null | undefined) =>
    value == null || Number(value) === -1 ? null : Number(value)
  const [from, to] = [port(given.from_port), port(given.to_port)]
  if (protocol !== null && protocol !== 'icmp' && remoteGroupId === null && (from === null || to === null))
    throw new BadRequest(
      `Invalid port range ${given.from_port}:${given.to_port}. Valid TCP ports should be between 1-65535`,
    )
  if (from !== null && to !== null && protocol !== 'icmp' && from > to)
    throw new BadRequest(`Invalid port range ${from}:${to}. Former value cannot be greater than the later`)
  const cidr = remoteGroupId === null ? (given.cidr ?? '0.0.0.0/0') : null
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
    throw new BadRequest(`Invalid cidr ${cidr}.`, { cause })
  }
}

const ruleRoutes = [
  route({
    method: 'POST',
    path: '/os-security-group-rules',
    until,
    policy: policy.createRule,
    body: ruleBody,
    handle({ ctx, body }, deps: ComputeDeps) {
      ctx.authorize(policy.createRule, own(ctx))
      const wanted = toNeutron(body.security_group_rule)
      return asked(async () => {
        await groupOf(ctx, deps, wanted.groupId)
        const remote = wanted.remoteGroupId === null ? [] : [await groupOf(ctx, deps, wanted.remoteGroupId)]
        const made = await deps.securityGroups.createRule(ctx.token, wanted)
        const known = new Map(remote.map((group) => [group.id, group]))
        return { status: 200, body: { security_group_rule: viewRule(made, known) } }
      })
    },
  }),
  route({
    method: 'DELETE',
    path: '/os-security-group-rules/:id',
    until,
    policy: policy.removeRule,
    handle({ ctx, params }, deps: ComputeDeps) {
      ctx.authorize(policy.removeRule, own(ctx))
      const id = params['id']!
      return asked(async () => {
        if (!(await deps.securityGroups.findRule(ctx.token, id)))
          throw new NotFound(`Security group with rule ${id} not found.`)
        await deps.securityGroups.removeRule(ctx.token, id)
        return { status: 202 }
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
    async handle({ ctx, params }, deps: ComputeDeps) {
      const server = await findFor(ctx, deps, params['id']!, policy.list)
      const groups = await asked(() => groupsOfServer(ctx, deps, server))
      return { status: 200, body: { security_groups: await asked(() => viewAll(ctx, deps, groups)) } }
    },
  }),
]
