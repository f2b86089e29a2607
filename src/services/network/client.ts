/** Typed calls to a network service, for other services: bodies are what its routes declare. */
import type { Static } from 'typebox'
import type { Secret } from '../../platform/auth/secret.ts'
import type { Seen, Shown } from '../../platform/http/answers.ts'
import { withQuery, type QueryOf, type ServiceClient } from '../../platform/http/client.ts'
import type { floatingIpAnswer } from './api/floating-ips/schema.ts'
import type { networkAnswer } from './api/networks/schema.ts'
import type { createPort, portAnswer, updatePort } from './api/ports/schema.ts'
import type { groupAnswer, ruleAnswer } from './api/security-groups/schema.ts'
import type { subnetAnswer } from './api/subnets/schema.ts'

/** Attributes with a colon are shown to administrators and services only, unless the operator says otherwise. */
type Guarded<T> = Seen<T, keyof T & `${'binding' | 'provider'}:${string}`>

export type Network = Guarded<Shown<typeof networkAnswer>>
export type Subnet = Shown<typeof subnetAnswer>
export type Port = Guarded<Shown<typeof portAnswer>>
export type FloatingIp = Shown<typeof floatingIpAnswer>
export type SecurityGroup = Shown<typeof groupAnswer>
export type SecurityGroupRule = Shown<typeof ruleAnswer>
type NewPort = Static<typeof createPort>
type PortChange = Static<typeof updatePort>

const one = (collection: string, id: string) => `/v2.0/${collection}/${encodeURIComponent(id)}`

export class NetworkClient {
  readonly #client: ServiceClient

  constructor(client: ServiceClient) {
    this.#client = client
  }

  /** The same with the rights of a user; without a token as before. */
  as(token: Secret | undefined): NetworkClient {
    return token ? new NetworkClient(this.#client.withToken(token.reveal())) : this
  }

  async listNetworks(query: QueryOf): Promise<readonly Network[]> {
    return (await this.#list<{ networks: Network[] }>('networks', query)).networks
  }

  async listSubnets(query: QueryOf): Promise<readonly Subnet[]> {
    return (await this.#list<{ subnets: Subnet[] }>('subnets', query)).subnets
  }

  async listPorts(query: QueryOf): Promise<readonly Port[]> {
    return (await this.#list<{ ports: Port[] }>('ports', query)).ports
  }

  async listFloatingIps(query: QueryOf): Promise<readonly FloatingIp[]> {
    return (await this.#list<{ floatingips: FloatingIp[] }>('floatingips', query)).floatingips
  }

  async listSecurityGroups(query: QueryOf): Promise<readonly SecurityGroup[]> {
    return (await this.#list<{ security_groups: SecurityGroup[] }>('security-groups', query)).security_groups
  }

  async findPort(id: string): Promise<Port | undefined> {
    return (await this.#client.find<{ port: Port }>(one('ports', id)))?.port
  }

  async createPort(port: NewPort): Promise<Port> {
    return (await this.#client.ask<{ port: Port }>('POST', '/v2.0/ports', { port })).port
  }

  async updatePort(id: string, port: PortChange): Promise<Port> {
    return (await this.#client.ask<{ port: Port }>('PUT', one('ports', id), { port })).port
  }

  /** Also where there is none any more. */
  async deletePort(id: string): Promise<void> {
    await this.#client.request({ method: 'DELETE', path: one('ports', id), accept: [404] })
  }

  async findSecurityGroup(id: string): Promise<SecurityGroup | undefined> {
    return (await this.#client.find<{ security_group: SecurityGroup }>(one('security-groups', id)))?.security_group
  }

  async createSecurityGroup(security_group: { name: string; description: string }): Promise<SecurityGroup> {
    const path = '/v2.0/security-groups'
    return (await this.#client.ask<{ security_group: SecurityGroup }>('POST', path, { security_group })).security_group
  }

  async updateSecurityGroup(id: string, security_group: { name: string; description: string }): Promise<SecurityGroup> {
    const path = one('security-groups', id)
    return (await this.#client.ask<{ security_group: SecurityGroup }>('PUT', path, { security_group })).security_group
  }

  async deleteSecurityGroup(id: string): Promise<void> {
    await this.#client.ask('DELETE', one('security-groups', id))
  }

  async findSecurityGroupRule(id: string): Promise<SecurityGroupRule | undefined> {
    const path = one('security-group-rules', id)
    return (await this.#client.find<{ security_group_rule: SecurityGroupRule }>(path))?.security_group_rule
  }

  async createSecurityGroupRule(
    security_group_rule: Partial<SecurityGroupRule> & Pick<SecurityGroupRule, 'security_group_id' | 'direction'>,
  ): Promise<SecurityGroupRule> {
    const path = '/v2.0/security-group-rules'
    const body = { security_group_rule }
    return (await this.#client.ask<{ security_group_rule: SecurityGroupRule }>('POST', path, body)).security_group_rule
  }

  async deleteSecurityGroupRule(id: string): Promise<void> {
    await this.#client.ask('DELETE', one('security-group-rules', id))
  }

  /** Whether `autoAllocate` would do. */
  async canAutoAllocate(projectId: string): Promise<boolean> {
    const path = withQuery(one('auto-allocated-topology', projectId), { fields: 'dry-run' })
    return (await this.#client.request({ method: 'GET', path, accept: [404, 409] })).status === 200
  }

  /** The id of the project's automatic network, which is made with all it needs where it is not there yet. */
  async autoAllocate(projectId: string): Promise<string> {
    const path = one('auto-allocated-topology', projectId)
    const body = await this.#client.ask<{ auto_allocated_topology: { id: string } }>('GET', path)
    return body.auto_allocated_topology.id
  }

  #list<T>(collection: string, query: QueryOf): Promise<T> {
    return this.#client.ask<T>('GET', withQuery(`/v2.0/${collection}`, query))
  }
}
