/** Security group rules, their fields checked against each other. Pure; source: neutron's validation. */
import { badRequest } from '../errors.ts'
import { formatAddress, formatPrefix, parseAddress, prefixOf } from './address.ts'
import { protocolNumber } from './protocols.ts'

export interface RuleInput {
  direction: string
  ethertype?: string | null
  protocol?: string | number | null
  port_range_min?: string | number | null
  port_range_max?: string | number | null
  remote_ip_prefix?: string | null
  remote_group_id?: string | null
  remote_address_group_id?: string | null
}

export interface RuleFields {
  direction: string
  ethertype: string
  protocol: string | null
  port_range_min: number | null
  port_range_max: number | null
  remote_ip_prefix: string | null
  remote_group_id: string | null
  remote_address_group_id: string | null
}

const protocolNames = (
  'ah dccp egp esp gre hopopt icmp icmpv6 igmp ip ipip ipv6-encap ipv6-frag ipv6-icmp ipv6-nonxt ipv6-opts ' +
  'ipv6-route ospf pgm rsvp sctp tcp udp udplite vrrp'
).split(' ')
const withPorts = ['tcp', 'udp', 'sctp', 'dccp', 'udplite', '6', '17', '132', '33', '136']
const icmpLike = ['icmp', 'icmpv6', 'ipv6-icmp', '1', '58']
const onlyIpv6 = 'icmpv6 ipv6-icmp ipv6-encap ipv6-frag ipv6-nonxt ipv6-opts ipv6-route 41 43 44 58 59 60'.split(' ')

/** The rule in the form that is kept. Throws 400 with upstream's name for what is wrong. */
export function readRule(input: RuleInput): RuleFields {
  const protocol = readProtocol(input.protocol)
  const ethertype = String(input.ethertype ?? 'IPv4').toLowerCase() === 'ipv6' ? 'IPv6' : 'IPv4'
  if (protocol !== null && onlyIpv6.includes(protocol) && ethertype === 'IPv4')
    throw badRequest(
      'SecurityGroupEthertypeConflictWithProtocol',
      `Invalid ethertype ${ethertype} for protocol ${protocol}.`,
    )
  const remotes = [input.remote_ip_prefix, input.remote_group_id, input.remote_address_group_id]
  if (remotes.filter((each) => each != null && each !== '').length > 1)
    throw badRequest(
      'SecurityGroupMultipleRemoteEntites',
      'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
    )
  return {
    direction: input.direction,
    ethertype,
    protocol,
    ...readRange(protocol, input),
    remote_ip_prefix: readRemote(input.remote_ip_prefix, ethertype),
    remote_group_id: input.remote_group_id ?? null,
    remote_address_group_id: input.remote_address_group_id ?? null,
  }
}

function readProtocol(given: string | number | null | undefined): string | null {
  if (given == null || given === '' || given === 'any') return null
  const text = String(given).toLowerCase()
  if (text === '0') return null
  if (protocolNames.includes(text) || (/^\d{1,3}$/.test(text) && Number(text) <= 255)) return text
  throw badRequest(
    'SecurityGroupRuleInvalidProtocol',
    `Security group rule protocol ${text} not supported. Only protocol values [None, '${protocolNames.join("', '")}'] and integer representations [0 to 255] are supported.`,
  )
}

function readRange(protocol: string | null, input: RuleInput) {
  const number = (value: string | number | null | undefined) => {
    if (value == null || value === '') return null
    const port = Number(value)
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw badRequest('SecurityGroupInvalidPortValue', `Invalid value for port ${value}`)
    return port
  }
  const min = number(input.port_range_min)
  const max = number(input.port_range_max)
  const range = { port_range_min: min, port_range_max: max }
  if (min === null && max === null) return range
  if (protocol === null || protocol === 'ip')
    throw badRequest('SecurityGroupProtocolRequiredWithPorts', 'Must also specify protocol if port range is given.')
  if (icmpLike.includes(protocol)) {
    if (min === null)
      throw badRequest(
        'SecurityGroupMissingIcmpType',
        `ICMP code (port-range-max) ${max} is provided but ICMP type (port-range-min) is missing.`,
      )
    for (const [attribute, field, value] of [
      ['port_range_min', 'type', min],
      ['port_range_max', 'code', max],
    ] as const) {
      if (value !== null && value > 255)
        throw badRequest(
          'SecurityGroupInvalidIcmpValue',
          `Invalid value for ICMP ${field} (${attribute}) ${value}. It must be 0 to 255.`,
        )
    }
    return range
  }
  if (!withPorts.includes(protocol))
    throw badRequest(
      'SecurityGroupInvalidProtocolForPort',
      `Ports cannot be specified for protocol ${protocol}. Ports are only supported for ${withPorts.slice(0, 5).join(', ')}.`,
    )
  if (min === 0 || max === 0) throw badRequest('SecurityGroupInvalidPortValue', 'Invalid value for port 0')
  if (min === null || max === null || min > max)
    throw badRequest('SecurityGroupInvalidPortRange', 'For TCP/UDP protocols, port_range_min must be <= port_range_max')
  return range
}

function readRemote(cidr: string | null | undefined, ethertype: string): string | null {
  if (cidr == null || cidr === '') return null
  const prefix = prefixOf(cidr)
  if (!prefix) throw badRequest('InvalidCIDR', `Invalid CIDR ${cidr} given as IP prefix (remote_ip_prefix).`)
  if (`IPv${prefix.version}` !== ethertype)
    throw badRequest('SecurityGroupRuleParameterConflict', `Conflicting value ethertype ${ethertype} for CIDR ${cidr}`)
  // The bits of the host stay, as in neutron: `normalized` is without them.
  return `${formatAddress(prefix.version, parseAddress(cidr.split('/')[0]!)!.value)}/${prefix.length}`
}

/** What makes two rules of a group one, however their protocol and their "from everywhere" are written. */
export function ruleKey(rule: RuleFields): string {
  const { protocol, ethertype, remote_ip_prefix: prefix } = rule
  const isAnywhere = prefix === null || prefix === '0.0.0.0/0' || prefix === '::/0'
  return JSON.stringify([
    rule.direction,
    ethertype,
    protocol === null ? null : (protocolNumber(protocol, ethertype) ?? protocol),
    rule.port_range_min,
    rule.port_range_max,
    isAnywhere ? null : prefix,
    rule.remote_group_id,
    rule.remote_address_group_id,
  ])
}

/** `remote_ip_prefix` without host bits. */
export function normalized(cidr: string | null): string | null {
  const prefix = cidr === null ? undefined : prefixOf(cidr)
  return prefix ? formatPrefix(prefix) : null
}
