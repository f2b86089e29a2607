import type { NetworkDeps } from '../deps.ts'
import { conflict, securityGroupInUse, securityGroupRuleExists } from '../errors.ts'
import { ruleKey, type RuleFields } from '../model/security-rule.ts'
import { hasMembers } from '../store/members.ts'
import {
  deleteEntity,
  deleteRows,
  findRow,
  insertRow,
  listRows,
  newEntity,
  touch,
  touched,
  updateRow,
  type NetworkDb,
  type Row,
} from '../store/rows.ts'
import { changed, flags } from './changes.ts'
import { requireQuota } from './quota.ts'

type Group = Row<'security_groups'>
type SecurityRule = Row<'security_group_rules'>

/** In a default rule: the group that the rule will be in. */
export const parentGroup = 'PARENT'

/** Makes a group with the rules that every new one has. */
export async function insertGroup(
  tx: NetworkDb,
  projectId: string,
  input: { name?: string; description?: string; stateful?: boolean },
  isDefault: boolean,
): Promise<Group> {
  const group = {
    ...newEntity(projectId, input),
    stateful: input.stateful === false ? 0 : 1,
    is_default: isDefault ? 1 : 0,
  }
  await insertRow(tx, 'security_groups', group)
  const where = isDefault ? { used_in_default_sg: 1 } : { used_in_non_default_sg: 1 }
  for (const each of await listRows(tx, 'default_rules', where)) {
    const { id: _id, used_in_default_sg: _in, used_in_non_default_sg: _other, ...fields } = each
    const remote = fields.remote_group_id === parentGroup ? group.id : fields.remote_group_id
    await insertRow(tx, 'security_group_rules', newRule(group, { ...fields, remote_group_id: remote }))
  }
  return group
}

function newRule(group: Group, fields: RuleFields & { description: string }): SecurityRule {
  return {
    id: crypto.randomUUID(),
    project_id: group.project_id,
    security_group_id: group.id,
    created_at: Date.now(),
    revision: 0,
    ...fields,
  }
}

/** Id of a project's default group, which comes into being when it is first needed. */
export async function defaultGroup(tx: NetworkDb, projectId: string): Promise<string> {
  const existing = await findRow(tx, 'security_groups', { project_id: projectId, is_default: 1 })
  return existing
    ? existing.id
    : (await insertGroup(tx, projectId, { name: 'default', description: 'Default security group' }, true)).id
}

/** Only one group of a project is called so. */
function requireOtherName({ name }: { name?: string }) {
  if (name?.toLowerCase() === 'default')
    throw conflict('SecurityGroupDefaultAlreadyExists', 'Default security group already exists.')
}

/** Makes a user's group; the project's default one comes with the first. */
export async function createGroup(
  tx: NetworkDb,
  deps: NetworkDeps,
  projectId: string,
  input: { name?: string; description?: string; stateful?: boolean },
): Promise<Group> {
  requireOtherName(input)
  await defaultGroup(tx, projectId)
  await requireQuota(tx, deps, projectId, 'security_group')
  const rules = await listRows(tx, 'default_rules', { used_in_non_default_sg: 1 })
  await requireQuota(tx, deps, projectId, 'security_group_rule', rules.length)
  return insertGroup(tx, projectId, input, false)
}

export async function changeGroup(
  tx: NetworkDb,
  row: Group,
  input: { name?: string; description?: string; stateful?: boolean },
): Promise<void> {
  if (row.is_default === 1 && input.name !== undefined && input.name !== row.name)
    throw conflict('SecurityGroupCannotUpdateDefault', 'Updating default security group not allowed.')
  if (row.is_default === 0) requireOtherName(input)
  const isStateful = input.stateful ?? row.stateful === 1
  if (isStateful !== (row.stateful === 1) && (await hasMembers(tx, row.id))) throw securityGroupInUse(row.id, 'in use')
  await updateRow(tx, 'security_groups', row.id, {
    ...changed(input, ['name', 'description']),
    ...flags({ stateful: input.stateful }),
    ...touched(row),
  })
}

/** Removes a group with its rules, and the rules of others that speak of it. */
export async function removeGroup(tx: NetworkDb, row: Group): Promise<void> {
  if (await hasMembers(tx, row.id)) throw securityGroupInUse(row.id, 'in use')
  await deleteRows(tx, 'security_group_rules', { security_group_id: row.id })
  await deleteRows(tx, 'security_group_rules', { remote_group_id: row.id })
  await deleteEntity(tx, 'security_groups', row.id)
}

/** Adds a rule to a group. Throws SecurityGroupRuleExists when the group has it already. */
export async function insertRule(
  tx: NetworkDb,
  deps: NetworkDeps,
  group: Group,
  fields: RuleFields,
  description: string,
): Promise<SecurityRule> {
  await requireQuota(tx, deps, group.project_id, 'security_group_rule')
  const rules = await listRows(tx, 'security_group_rules', { security_group_id: group.id })
  const key = ruleKey(fields)
  const existing = rules.find((row) => ruleKey(row) === key)
  if (existing) throw securityGroupRuleExists(existing.id)
  const row = newRule(group, { ...fields, description })
  await insertRow(tx, 'security_group_rules', row)
  await touch(tx, 'security_groups', group)
  return row
}

export async function removeRule(tx: NetworkDb, row: SecurityRule): Promise<void> {
  await deleteRows(tx, 'security_group_rules', { id: row.id })
  const group = await findRow(tx, 'security_groups', { id: row.security_group_id })
  if (group) await touch(tx, 'security_groups', group)
}

/** Adds a rule that groups will begin with. */
export async function insertDefaultRule(
  tx: NetworkDb,
  fields: RuleFields,
  rest: { description: string; used_in_default_sg: number; used_in_non_default_sg: number },
): Promise<Row<'default_rules'>> {
  const key = ruleKey(fields)
  const existing = (await listRows(tx, 'default_rules')).find((row) => ruleKey(row) === key)
  if (existing)
    throw conflict(
      'DefaultSecurityGroupRuleExists',
      `Default Security group rule already exists. Rule id is ${existing.id}.`,
    )
  const row = { id: crypto.randomUUID() as string, ...fields, ...rest }
  await insertRow(tx, 'default_rules', row)
  return row
}
