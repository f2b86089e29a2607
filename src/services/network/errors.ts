/**
 * What the network API refuses, by upstream's exception names: clients and nova match on `NeutronError.type`, which is
 * the `code` here. Wording follows neutron-lib where clients print or match it.
 */
import { BadRequest, Conflict, NotFound } from '../../platform/http/errors.ts'

const badRequest = (code: string, message: string) => new BadRequest(message, { code })
const conflict = (code: string, message: string) => new Conflict(message, { code })
const notFound = (code: string, message: string) => new NotFound(message, { code })

export const networkNotFound = (id: string) => notFound('NetworkNotFound', `Network ${id} could not be found.`)
export const subnetNotFound = (id: string) => notFound('SubnetNotFound', `Subnet ${id} could not be found.`)
export const portNotFound = (id: string) => notFound('PortNotFound', `Port ${id} could not be found.`)
export const routerNotFound = (id: string) => notFound('RouterNotFound', `Router ${id} could not be found`)
export const floatingIpNotFound = (id: string) => notFound('FloatingIPNotFound', `Floating IP ${id} could not be found`)
export const securityGroupNotFound = (id: string) =>
  notFound('SecurityGroupNotFound', `Security group ${id} does not exist`)
export const securityGroupRuleNotFound = (id: string) =>
  notFound('SecurityGroupRuleNotFound', `Security group rule ${id} does not exist`)

export const securityGroupRuleExists = (ruleId: string) =>
  conflict('SecurityGroupRuleExists', `Security group rule already exists. Rule id is ${ruleId}.`)

export const overlappingAllocationPools = (one: string, other: string, cidr: string) =>
  conflict('OverlappingAllocationPools', `Found overlapping allocation pools: ${one} ${other} for subnet ${cidr}.`)
export const outOfBoundsAllocationPool = (pool: string, cidr: string) =>
  badRequest('OutOfBoundsAllocationPool', `The allocation pool ${pool} spans beyond the subnet cidr ${cidr}.`)
export const invalidAllocationPool = (pool: string) =>
  badRequest('InvalidAllocationPool', `The allocation pool ${pool} is not valid.`)
export const gatewayConflictWithAllocationPools = (ip: string, pool: string) =>
  conflict('GatewayConflictWithAllocationPools', `Gateway ip ${ip} conflicts with allocation pool ${pool}.`)
