import type { SecurityGroup, SecurityGroupRule } from '../../deps.ts'
import type { ShownRule } from './schema.ts'

/** Groups by id that rules may refer to. */
type Known = ReadonlyMap<string, Pick<SecurityGroup, 'name' | 'projectId'>>

/** A rule as nova shows it: both ports of tcp and udp where it names none, -1 elsewhere. */
export function viewRule(rule: SecurityGroupRule, known: Known): ShownRule {
  const remote = rule.remoteGroupId === null ? undefined : known.get(rule.remoteGroupId)
  const hasPorts = rule.from !== null || rule.to !== null
  const [from, to] = hasPorts || rule.protocol === null ? [rule.from, rule.to] : widest(rule.protocol)
  return {
    id: rule.id,
    parent_group_id: rule.groupId,
    ip_protocol: rule.protocol,
    from_port: from,
    to_port: to,
    group: remote ? { name: remote.name, tenant_id: remote.projectId } : {},
    ip_range: rule.remoteGroupId === null ? { cidr: rule.cidr ?? (rule.isIpv6 ? '::/0' : '0.0.0.0/0') } : {},
  }
}

const widest = (protocol: string): [number, number] =>
  ['tcp', 'udp'].includes(protocol.toLowerCase()) ? [1, 65_535] : [-1, -1]

/** A rule whose group is gone, or is not the caller's to see, is left out. */
export const viewGroup = (group: SecurityGroup, known: Known) => ({
  id: group.id,
  name: group.name,
  description: group.description,
  tenant_id: group.projectId,
  rules: group.rules
    .filter(({ remoteGroupId }) => remoteGroupId === null || known.has(remoteGroupId))
    .map((rule) => viewRule(rule, known)),
})
