/**
 * What the network API refuses, by upstream's exception names: clients and nova match on `NeutronError.type`, which is
 * the `code` here. Wording follows neutron-lib where clients print or match it.
 */
import { Invalid, Conflict, NotFound, Unavailable } from '../../platform/errors.ts'

export const badRequest = (code: string, message: string) => new Invalid(message, { code })
export const conflict = (code: string, message: string) => new Conflict(message, { code })
export const notFound = (code: string, message: string) => new NotFound(message, { code })

/** Upstream's `BadRequest(resource=…, msg=…)`. */
export const badRequestFor = (resource: string, why: string) =>
  badRequest('BadRequest', `Bad ${resource} request: ${why}.`)
export const invalidInput = (message: string) => badRequest('InvalidInput', `Invalid input for operation: ${message}.`)
export const badAttribute = (name: string, why: string) =>
  badRequest('HTTPBadRequest', `Invalid input for ${name}. Reason: ${why}.`)

export const networkNotFound = (id: string) => notFound('NetworkNotFound', `Network ${id} could not be found.`)
export const subnetNotFound = (id: string) => notFound('SubnetNotFound', `Subnet ${id} could not be found.`)
export const portNotFound = (id: string) => notFound('PortNotFound', `Port ${id} could not be found.`)
export const routerNotFound = (id: string) => notFound('RouterNotFound', `Router ${id} could not be found`)
export const floatingIpNotFound = (id: string) => notFound('FloatingIPNotFound', `Floating IP ${id} could not be found`)
export const securityGroupNotFound = (id: string) =>
  notFound('SecurityGroupNotFound', `Security group ${id} does not exist`)
export const securityGroupRuleNotFound = (id: string) =>
  notFound('SecurityGroupRuleNotFound', `Security group rule ${id} does not exist`)
export const subnetPoolNotFound = (id: string) =>
  notFound('SubnetPoolNotFound', `Subnet pool ${id} could not be found.`)
export const addressScopeNotFound = (id: string) =>
  notFound('AddressScopeNotFound', `Address scope ${id} could not be found.`)
export const addressGroupNotFound = (id: string) =>
  notFound('AddressGroupNotFound', `Address group ${id} could not be found.`)
export const agentNotFound = (id: string) => notFound('AgentNotFound', `Agent ${id} could not be found`)
export const zoneNotFound = (name: string) =>
  notFound('AvailabilityZoneNotFound', `AvailabilityZone ${name} could not be found.`)

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

export const networkInUse = (id: string) =>
  conflict(
    'NetworkInUse',
    `Unable to complete operation on network ${id}. There are one or more ports still in use on the network.`,
  )
export const subnetInUse = (id: string) =>
  conflict(
    'SubnetInUse',
    `Unable to complete operation on subnet ${id}: One or more ports have an IP allocation from this subnet.`,
  )
export const ipAddressAllocated = (ip: string, subnetId: string) =>
  conflict('IpAddressAlreadyAllocated', `IP address ${ip} already allocated in subnet ${subnetId}`)
export const macAddressInUse = (mac: string, networkId: string) =>
  conflict(
    'MacAddressInUse',
    `Unable to complete operation for network ${networkId}. The mac address ${mac} is in use.`,
  )
export const ipAddressGenerationFailure = (networkId: string) =>
  conflict('IpAddressGenerationFailure', `No more IP addresses available on network ${networkId}.`)
export const noServiceSubnet = (networkId: string, owner: string) =>
  conflict(
    'IpAddressGenerationFailureNoMatchingSubnet',
    `No valid service subnet for the given device owner, network_id: ${networkId}, service type: ${owner}.`,
  )
export const overQuota = (resources: string) => conflict('OverQuota', `Quota exceeded for resources: ['${resources}'].`)
export const routerInUse = (id: string, why: string) => conflict('RouterInUse', `Router ${id} ${why}`)
export const routerInterfaceInUse = (id: string, subnetId: string) =>
  conflict(
    'RouterInterfaceInUseByFloatingIP',
    `Router interface for subnet ${subnetId} on router ${id} cannot be deleted, as it is required by one or more floating IPs.`,
  )
export const noSegment = () =>
  new Unavailable('Unable to create the network. No tenant network is available for allocation.', {
    code: 'NoNetworkAvailable',
  })
export const securityGroupInUse = (id: string, why: string) =>
  conflict('SecurityGroupInUse', `Security Group ${id} ${why}.`)
export const portInUse = (id: string, owner: string) =>
  conflict('ServicePortInUse', `Port ${id} cannot be deleted directly via the port API: has device owner ${owner}.`)
