import type { ServiceClient } from '../../../platform/http/client.ts'
import * as neutron from '../../network/client.ts'
import type { SecurityGroup, SecurityGroupApi, SecurityGroupRule } from '../deps.ts'

/** Neutron's security groups, always with the rights of the user who asks. */
export function securityGroupApi(client: ServiceClient): SecurityGroupApi {
  const network = new neutron.NetworkClient(client)
  return {
    async list(token, { projectId, ids }) {
      if (ids?.length === 0) return []
      const query = ids ? { id: ids } : projectId === undefined ? {} : { project_id: projectId }
      return (await network.as(token).listSecurityGroups(query)).map(toGroup)
    },
    async get(token, id) {
      const group = await network.as(token).findSecurityGroup(id)
      return group && toGroup(group)
    },
    create: async (token, group) => toGroup(await network.as(token).createSecurityGroup(group)),
    update: async (token, id, group) => toGroup(await network.as(token).updateSecurityGroup(id, group)),
    remove: (token, id) => network.as(token).deleteSecurityGroup(id),
    async findRule(token, id) {
      const rule = await network.as(token).findSecurityGroupRule(id)
      return rule && toRule(rule)
    },
    async createRule(token, rule) {
      const made = await network.as(token).createSecurityGroupRule({
        direction: 'ingress',
        security_group_id: rule.groupId,
        protocol: rule.protocol,
        ethertype: rule.isIpv6 ? 'IPv6' : 'IPv4',
        port_range_min: rule.from,
        port_range_max: rule.to,
        ...(rule.cidr !== null && { remote_ip_prefix: rule.cidr }),
        ...(rule.remoteGroupId !== null && { remote_group_id: rule.remoteGroupId }),
      })
      return toRule(made)
    },
    removeRule: (token, id) => network.as(token).deleteSecurityGroupRule(id),
    async groupsOfPorts(token, deviceId) {
      const ports = await network.as(token).listPorts({ device_id: deviceId })
      return ports.map((port) => ({
        portId: port.id,
        groupIds: [...port.security_groups],
        canHaveGroups: port.port_security_enabled && port.fixed_ips.length > 0,
      }))
    },
    async setGroups(token, portId, groupIds) {
      await network.as(token).updatePort(portId, { security_groups: [...groupIds] })
    },
  }
}

const toGroup = (group: neutron.SecurityGroup): SecurityGroup => ({
  id: group.id,
  name: group.name,
  description: group.description,
  projectId: group.project_id,
  // Nova knows of ingress only.
  rules: group.security_group_rules.filter(({ direction }) => direction === 'ingress').map(toRule),
})

const toRule = (rule: neutron.SecurityGroupRule): SecurityGroupRule => ({
  id: rule.id,
  groupId: rule.security_group_id,
  protocol: rule.protocol,
  from: rule.port_range_min,
  to: rule.port_range_max,
  cidr: rule.remote_ip_prefix,
  remoteGroupId: rule.remote_group_id,
  isIpv6: rule.ethertype === 'IPv6',
})
