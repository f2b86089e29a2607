import type { ServiceClient } from '../../../platform/http/client.ts'
import type { Secret } from '../../../platform/auth/secret.ts'
import type { SecurityGroup, SecurityGroupApi, SecurityGroupRule } from '../deps.ts'

type Json = Record<string, unknown>

/** Neutron's security groups, always with the rights of the user who asks. */
export function securityGroupApi(client: ServiceClient): SecurityGroupApi {
  const send = async (token: Secret, method: string, path: string, json?: object, accept: number[] = []) =>
    client.withToken(token.reveal()).request({ method, path: `/v2.0/${path}`, ...(json && { json }), accept })
  const find = async (token: Secret, what: string, id: string): Promise<Json | undefined> => {
    const { status, body } = await send(token, 'GET', `${what}s/${encodeURIComponent(id)}`, undefined, [404])
    return status === 404 ? undefined : (body as Record<string, Json>)[what.replaceAll('-', '_')]
  }
  return {
    async list(token, { projectId, ids }) {
      if (ids?.length === 0) return []
      const query = new URLSearchParams(
        ids ? ids.map((id): [string, string] => ['id', id]) : projectId === undefined ? {} : { project_id: projectId },
      )
      const { body } = await send(token, 'GET', `security-groups?${query}`)
      return (body as { security_groups: Json[] }).security_groups.map(toGroup)
    },
    async get(token, id) {
      const group = await find(token, 'security-group', id)
      return group && toGroup(group)
    },
    async create(token, group) {
      const { body } = await send(token, 'POST', 'security-groups', { security_group: group })
      return toGroup((body as { security_group: Json }).security_group)
    },
    async update(token, id, group) {
      const { body } = await send(token, 'PUT', `security-groups/${encodeURIComponent(id)}`, { security_group: group })
      return toGroup((body as { security_group: Json }).security_group)
    },
    async remove(token, id) {
      await send(token, 'DELETE', `security-groups/${encodeURIComponent(id)}`)
    },
    async findRule(token, id) {
      const rule = await find(token, 'security-group-rule', id)
      return rule && toRule(rule)
    },
    async createRule(token, rule) {
      const security_group_rule = {
        direction: 'ingress',
        security_group_id: rule.groupId,
        protocol: rule.protocol,
        ethertype: rule.isIpv6 ? 'IPv6' : 'IPv4',
        port_range_min: rule.from,
        port_range_max: rule.to,
        ...(rule.cidr === null ? {} : { remote_ip_prefix: rule.cidr }),
        ...(rule.remoteGroupId === null ? {} : { remote_group_id: rule.remoteGroupId }),
      }
      const { body } = await send(token, 'POST', 'security-group-rules', { security_group_rule })
      return toRule((body as { security_group_rule: Json }).security_group_rule)
    },
    async removeRule(token, id) {
      await send(token, 'DELETE', `security-group-rules/${encodeURIComponent(id)}`)
    },
    async groupsOfPorts(token, deviceId) {
      const { body } = await send(token, 'GET', `ports?${new URLSearchParams({ device_id: deviceId })}`)
      return (body as { ports: Json[] }).ports.map((port) => ({
        portId: String(port['id']),
        groupIds: (port['security_groups'] ?? []) as string[],
        canHaveGroups: port['port_security_enabled'] !== false && ((port['fixed_ips'] ?? []) as unknown[]).length > 0,
      }))
    },
    async setGroups(token, portId, groupIds) {
      await send(token, 'PUT', `ports/${portId}`, { port: { security_groups: groupIds } })
    },
  }
}

const toGroup = (group: Json): SecurityGroup => ({
  id: String(group['id']),
  name: String(group['name']),
  description: String(group['description'] ?? ''),
  projectId: String(group['project_id']),
  // Nova knows of ingress only.
  rules: ((group['security_group_rules'] ?? []) as Json[])
    .filter((rule) => rule['direction'] === 'ingress')
    .map(toRule),
})

const toRule = (rule: Json): SecurityGroupRule => ({
  id: String(rule['id']),
  groupId: String(rule['security_group_id']),
  protocol: (rule['protocol'] ?? null) as string | null,
  from: (rule['port_range_min'] ?? null) as number | null,
  to: (rule['port_range_max'] ?? null) as number | null,
  cidr: (rule['remote_ip_prefix'] ?? null) as string | null,
  remoteGroupId: (rule['remote_group_id'] ?? null) as string | null,
  isIpv6: rule['ethertype'] === 'IPv6',
})
