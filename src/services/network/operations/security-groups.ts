import { newEntity, findRow, insertRow, type NetworkDb, type Row } from '../store/rows.ts'

const rule = (
  group: Row<'security_groups'>,
  fields: Partial<Row<'security_group_rules'>>,
): Row<'security_group_rules'> => ({
  id: crypto.randomUUID(),
  project_id: group.project_id,
  security_group_id: group.id,
  description: '',
  direction: 'egress',
  ethertype: 'IPv4',
  protocol: null,
  port_range_min: null,
  port_range_max: null,
  remote_ip_prefix: null,
  remote_group_id: null,
  created_at: Date.now(),
  revision: 1,
  ...fields,
})

/** Makes a group with the rules that every new one has: all may leave; of the default group members may enter. */
export async function insertGroup(
  tx: NetworkDb,
  projectId: string,
  input: { name: string; description?: string; stateful?: boolean },
  isDefault: boolean,
): Promise<Row<'security_groups'>> {
  const group = {
    ...newEntity(projectId, input),
    stateful: input.stateful === false ? 0 : 1,
    is_default: isDefault ? 1 : 0,
  }
  await insertRow(tx, 'security_groups', group)
  for (const ethertype of ['IPv4', 'IPv6']) {
    await insertRow(tx, 'security_group_rules', rule(group, { ethertype }))
    if (isDefault)
      await insertRow(
        tx,
        'security_group_rules',
        rule(group, { ethertype, direction: 'ingress', remote_group_id: group.id }),
      )
  }
  return group
}

/** Id of a project's default group, which comes into being when it is first needed. */
export async function defaultGroup(tx: NetworkDb, projectId: string): Promise<string> {
  const existing = await findRow(tx, 'security_groups', { project_id: projectId, is_default: 1 })
  return existing
    ? existing.id
    : (await insertGroup(tx, projectId, { name: 'default', description: 'Default security group' }, true)).id
}

export { rule as newRule }
