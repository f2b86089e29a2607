import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { last, type Query } from '../../../../platform/http/route.ts'
import type { NetworkDeps } from '../../deps.ts'
import { addressGroupNotFound, conflict, securityGroupNotFound } from '../../errors.ts'
import { readRule, type RuleInput } from '../../model/security-rule.ts'
import {
  changeGroup,
  createGroup,
  defaultGroup,
  insertRule,
  removeGroup,
  removeRule,
} from '../../operations/security-groups.ts'
import { policy } from '../../policies.ts'
import { findRow, type NetworkDb, type Row } from '../../store/rows.ts'
import { owned } from '../kit/collection.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { closed, kinds } from '../kit/schema.ts'
import { tagRoutes } from '../kit/tags.ts'
import { ownedBy, within } from '../kit/targets.ts'
import { ruleAttributes } from './rule-schema.ts'
import { securityGroupRules, securityGroups } from './view.ts'

const attributes = {
  name: Type.Optional(kinds.name),
  description: Type.Optional(kinds.name),
  stateful: Type.Optional(kinds.boolean),
}

/** As in neutron, a project's first look makes its default group; only administrators make that of another one. */
async function ensureDefault(ctx: Context, query: Query, deps: NetworkDeps) {
  const asked = last(query, 'project_id') ?? last(query, 'tenant_id')
  const projectId = ctx.isAdmin && asked ? asked : ctx.projectId
  if (projectId === null) return
  if (await findRow(deps.database.db, 'security_groups', { project_id: projectId, is_default: 1 })) return
  await deps.change((tx) => defaultGroup(tx, projectId))
}

const [listGroups, showGroup] = readRoutes(securityGroups)

export const securityGroupRoutes = [
  {
    ...listGroups!,
    async handle(...[request, deps]: Parameters<NonNullable<typeof listGroups>['handle']>) {
      if (request.ctx.can(policy('get_security_group'), ownedBy(request.ctx.projectId)))
        await ensureDefault(request.ctx, request.query, deps)
      return listGroups!.handle(request, deps)
    },
  },
  showGroup!,
  createRoute(securityGroups, {
    schema: closed({ ...attributes, ...kinds.owner }),
    insert: (tx, deps, input, projectId) => createGroup(tx, deps, projectId, input),
  }),
  updateRoute(securityGroups, {
    schema: closed(attributes),
    apply: (tx, _deps, row, input) => changeGroup(tx, row, input),
  }),
  removeRoute(securityGroups, async (tx, _deps, row, ctx) => {
    if (row.is_default === 1 && !ctx.isAdmin)
      throw conflict('SecurityGroupCannotRemoveDefault', 'Insufficient rights for removing default security group.')
    await removeGroup(tx, row)
  }),
  ...tagRoutes(securityGroups),
]

interface NewRule extends RuleInput {
  security_group_id: string
  description?: string
}

/** A group that a body names, as far as the caller may see it. */
async function groupOf(tx: NetworkDb, ctx: Context, id: string): Promise<Row<'security_groups'>> {
  const row = await findRow(tx, 'security_groups', { id })
  if (!row || !ctx.can(policy('get_security_group'), owned(row))) throw securityGroupNotFound(id)
  return row
}

async function insertVisible(tx: NetworkDb, deps: NetworkDeps, input: NewRule, ctx: Context) {
  const group = await groupOf(tx, ctx, input.security_group_id)
  const fields = readRule(input)
  if (fields.remote_group_id !== null) await groupOf(tx, ctx, fields.remote_group_id)
  if (fields.remote_address_group_id !== null) {
    const remote = await findRow(tx, 'address_groups', { id: fields.remote_address_group_id })
    if (!remote || !ctx.can(policy('get_address_group'), owned(remote)))
      throw addressGroupNotFound(fields.remote_address_group_id)
  }
  return insertRule(tx, deps, group, fields, input.description ?? '')
}

export const securityGroupRuleRoutes = [
  ...readRoutes(securityGroupRules),
  createRoute(securityGroupRules, {
    schema: closed({ ...ruleAttributes, ...kinds.owner, security_group_id: kinds.uuid }),
    async target(tx, input, _projectId, ctx) {
      const { project_id: projectId } = await groupOf(tx, ctx, input.security_group_id)
      return { ...ownedBy(projectId), ...within('security_group', projectId) }
    },
    insert: (tx, deps, input, _projectId, ctx) => insertVisible(tx, deps, input, ctx),
  }),
  removeRoute(securityGroupRules, (tx, _deps, row) => removeRule(tx, row)),
]
