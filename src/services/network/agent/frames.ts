/** Ethernet frames for tests that say what no honest guest would. */
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(/[^0-9a-f]/gi, ''), 'hex')
const v4 = (address: string): Buffer => Buffer.from(address.split('.').map(Number))

export function v6(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::')
  const words = (text: string) => (text === '' ? [] : text.split(':'))
  const zeros = Array.from({ length: 8 - words(head).length - words(tail).length }, () => '0')
  const all = address.includes('::') ? [...words(head), ...zeros, ...words(tail)] : words(address)
  return bytes(all.map((word) => word.padStart(4, '0')).join(''))
}

export function ethernet(to: string, from: string, type: number, payload: Buffer): Buffer {
  const frame = Buffer.concat([bytes(to), bytes(from), Buffer.from([type >> 8, type & 0xff]), payload])
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, 60 - frame.length))])
}

/** The same frame with an 802.1Q tag. */
export function tagged(frame: Buffer, vlan: number): Buffer {
  return Buffer.concat([
    frame.subarray(0, 12),
    bytes('8100'),
    Buffer.from([vlan >> 8, vlan & 0xff]),
    frame.subarray(12),
  ])
}

function checksum(data: Buffer): number {
  const even = data.length % 2 === 0 ? data : Buffer.concat([data, Buffer.alloc(1)])
  let sum = 0
  for (let at = 0; at < even.length; at += 2) sum += even.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

export function ipv6(from: string, to: string, next: number, payload: Buffer, hops = 255): Buffer {
  const head = Buffer.from([0x60, 0, 0, 0, payload.length >> 8, payload.length & 0xff, next, hops])
  return Buffer.concat([head, v6(from), v6(to), payload])
}

/** An ICMPv6 message in its packet; `body` is what follows the checksum. */
export function icmpv6(from: string, to: string, type: number, body: Buffer): Buffer {
  const message = Buffer.concat([Buffer.from([type, 0, 0, 0]), body])
  const length = Buffer.alloc(8)
  length.writeUInt32BE(message.length)
  length[7] = 58
  message.writeUInt16BE(checksum(Buffer.concat([v6(from), v6(to), length, message])), 2)
  return ipv6(from, to, 58, message)
}

export const neighbourAdvertisement = (from: string, to: string, target: string, mac: string): Buffer =>
  icmpv6(from, to, 136, Buffer.concat([bytes('20000000'), v6(target), bytes('0201'), bytes(mac)]))

export const routerAdvertisement = (from: string): Buffer =>
  icmpv6(from, 'ff02::1', 134, bytes('40 00 0708 00000000 00000000'))

export const arpReply = (mac: string, address: string, toMac: string, toAddress: string): Buffer =>
  Buffer.concat([bytes('0001 0800 06 04 0002'), bytes(mac), v4(address), bytes(toMac), v4(toAddress)])

export function udp4(from: string, to: string, sport: number, dport: number, data = 'x'): Buffer {
  const length = 8 + data.length
  const udp = Buffer.alloc(8)
  udp.writeUInt16BE(sport, 0)
  udp.writeUInt16BE(dport, 2)
  udp.writeUInt16BE(length, 4)
  const head = Buffer.from([0x45, 0, (20 + length) >> 8, (20 + length) & 0xff, 0, 1, 0, 0, 64, 17, 0, 0])
  const ip = Buffer.concat([head, v4(from), v4(to)])
  ip.writeUInt16BE(checksum(ip), 10)
  return Buffer.concat([ip, udp, Buffer.from(data)])
}
