import type { Shown } from '../../../../platform/http/answers.ts'
import { securityGroupNotFound, securityGroupRuleNotFound } from '../../errors.ts'
import { normalized } from '../../model/security-rule.ts'
import { listRows, type NetworkDb, type Row } from '../../store/rows.ts'
import { ownScope, collection } from '../kit/collection.ts'
import { filtersOf, standard, timeText, withTagFilters } from '../kit/listing.ts'
import { ownedBy, within } from '../kit/targets.ts'
import { groupAnswer, ruleAnswer } from './schema.ts'

const viewRule = (row: Row<'security_group_rules'>, isOfDefault: boolean): Shown<typeof ruleAnswer> => ({
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
  remote_address_group_id: row.remote_address_group_id,
  normalized_cidr: normalized(row.remote_ip_prefix),
  belongs_to_default_sg: isOfDefault,
  created_at: timeText(row.created_at),
  updated_at: timeText(row.created_at),
  revision_number: Number(row.revision),
})

async function viewGroups(
  db: NetworkDb,
  rows: readonly Row<'security_groups'>[],
): Promise<Shown<typeof groupAnswer>[]> {
  const ids = rows.map((row) => row.id)
  const rules = Map.groupBy(
    await listRows(db, 'security_group_rules', { security_group_id: ids }),
    (rule) => rule.security_group_id,
  )
  return rows.map((row) => ({
    ...standard(row),
    stateful: row.stateful === 1,
    shared: false,
    security_group_rules: (rules.get(row.id) ?? []).map((rule) => viewRule(rule, row.is_default === 1)),
  }))
}

export const securityGroups = collection({
  singular: 'security_group',
  answer: groupAnswer,
  table: 'security_groups',
  tags: 'security-groups',
  shows: ['security_group_rules'],
  filters: withTagFilters('shared', 'stateful'),
  columns: ['id', 'name', 'project_id', 'tenant_id'],
  scope: ownScope,
  notFound: securityGroupNotFound,
  targets: () => Promise.resolve((row: Row<'security_groups'>) => ({ ...ownedBy(row.project_id), shared: false })),
  views: viewGroups,
})

const groupsOf = async (db: NetworkDb, rows: readonly Row<'security_group_rules'>[]) =>
  new Map(
    (await listRows(db, 'security_groups', { id: [...new Set(rows.map((row) => row.security_group_id))] })).map(
      (group) => [group.id, group],
    ),
  )

export const securityGroupRules = collection({
  singular: 'security_group_rule',
  answer: ruleAnswer,
  table: 'security_group_rules',
  filters: filtersOf(
    'security_group_id',
    'remote_group_id',
    'remote_address_group_id',
    'direction',
    'protocol',
    'port_range_min',
    'port_range_max',
    'ethertype',
    'remote_ip_prefix',
    'normalized_cidr',
    'belongs_to_default_sg',
  ),
  columns: ['id', 'project_id', 'tenant_id', 'security_group_id', 'remote_group_id', 'direction', 'ethertype'],
  scope: ownScope,
  notFound: securityGroupRuleNotFound,
  async targets(db, rows) {
    const groups = await groupsOf(db, rows)
    return (row) => ({
      ...ownedBy(row.project_id),
      ...within('security_group', groups.get(row.security_group_id)?.project_id),
    })
  },
  async views(db, rows) {
    const groups = await groupsOf(db, rows)
    return rows.map((row) => viewRule(row, groups.get(row.security_group_id)?.is_default === 1))
  },
})
