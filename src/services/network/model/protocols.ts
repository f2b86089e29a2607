/** IP protocols by name and number. */
const numbers: Readonly<Record<string, number>> = {
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  gre: 47,
  icmp: 1,
  icmpv6: 58,
  'ipv6-icmp': 58,
  igmp: 2,
  ipip: 4,
  'ipv6-encap': 41,
  'ipv6-frag': 44,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  'ipv6-route': 43,
  ospf: 89,
  pgm: 113,
  rsvp: 46,
  sctp: 132,
  tcp: 6,
  udp: 17,
  udplite: 136,
  vrrp: 112,
}

/** Of a name or a number as text; undefined for others. ICMP of IPv6 is another one than that of IPv4, whatever it is called. */
export function protocolNumber(protocol: string, ethertype: string): number | undefined {
  const number = Object.hasOwn(numbers, protocol) ? numbers[protocol]! : Number(protocol)
  if (!Number.isInteger(number) || number < 0 || number > 255) return undefined
  return number === 1 && ethertype === 'IPv6' ? 58 : number
}
