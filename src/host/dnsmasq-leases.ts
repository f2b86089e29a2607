/**
 * What a dnsmasq has leased, by its file, and how leases of clients that are gone are given back: until then nobody
 * else gets the address, whatever the list of hosts says.
 */
import { canonicalIp, canonicalMac, ipVersion } from '../base/ip.ts'
import type { IpVersion } from '../base/ip.ts'
import { TimedOut, waitFor } from '../base/wait.ts'
import { CommandFailed, run } from './command.ts'
import { readTextIfThere } from './files.ts'
import { interfaceName, matching } from './safe-text.ts'

export type DhcpLease = {
  version: IpVersion
  address: string
  /** Whose it is by DHCPv4, as far as that is a MAC; DHCPv6 knows a client and its association by numbers of their own. */
  mac: string | undefined
  iaid: string
  clientId: string | undefined
  line: string
}
export type Leases = { leases: DhcpLease[]; serverId: string | undefined }

/** Lines `expiry mac address name client-id`, then `duid <server>`, then `expiry iaid address name client-id` of IPv6. */
export function parseLeases(text: string): Leases {
  const lines = text.split('\n').filter(Boolean)
  const serverId = lines.find((line) => line.startsWith('duid '))?.slice('duid '.length)
  const leases = lines.flatMap((line): DhcpLease[] => {
    const [, who = '', address = '', , client = '*'] = line.split(' ')
    if (line.startsWith('duid ') || address === '') return []
    const version = ipVersion(address)
    const mac = version === 4 && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(who) ? canonicalMac(who) : undefined
    const clientId = client === '*' ? undefined : client
    return [{ version, address: canonicalIp(address), mac, iaid: who, clientId, line }]
  })
  return { leases, serverId }
}

export async function readLeases(file: string): Promise<Leases> {
  return parseLeases((await readTextIfThere(file)) ?? '')
}

/** Which MAC each address is for, by a list of hosts as dnsmasq reads it. */
export async function readHostAddresses(file: string): Promise<Map<string, string>> {
  const owners = new Map<string, string>()
  for (const line of ((await readTextIfThere(file)) ?? '').split('\n').filter(Boolean)) {
    const [mac = '', ...fields] = line.split(',')
    for (const field of fields) {
      const address = field.replace(/^\[|\]$/g, '')
      if (/^[0-9.]+$|:/.test(address) && !address.startsWith('set:')) owners.set(address, mac)
    }
  }
  return owners
}

type Owners = ReadonlyMap<string, string>

/** Leases whose address is nobody's now, or somebody else's than `before`. */
export function staleLeases(leases: readonly DhcpLease[], before: Owners, now: Owners): DhcpLease[] {
  return leases.filter(({ version, address, mac }) => {
    const owner = now.get(address)
    if (owner === undefined) return true
    return version === 4 ? mac !== owner : (before.get(address) ?? owner) !== owner
  })
}

export type LeaseKeeper = { netns?: string | undefined; interface: string; file: string }

const tries = 3
const patienceMs = 300

/**
 * Gives leases back in the name of their clients, as dnsmasq knows no other way; the packets may be lost. Returns
 * whether all are gone.
 */
export async function releaseLeases(keeper: LeaseKeeper, stale: readonly DhcpLease[]): Promise<boolean> {
  const lines = new Set(stale.map(({ address }) => address))
  const left = async () => (await readLeases(keeper.file)).leases.filter(({ address }) => lines.has(address))
  for (let attempt = 1; attempt <= tries; attempt++) {
    const { leases, serverId } = await readLeases(keeper.file)
    for (const lease of leases.filter(({ address }) => lines.has(address))) {
      try {
        await run(releaseCommand(keeper, lease, serverId), { netns: keeper.netns, timeoutMs: 5000 })
      } catch (error) {
        if (!(error instanceof CommandFailed)) throw error
      }
    }
    try {
      await waitFor(async () => (await left()).length === 0, { what: 'release of leases', timeoutMs: patienceMs })
      return true
    } catch (error) {
      if (!(error instanceof TimedOut)) throw error
    }
  }
  return false
}

export function releaseCommand(
  keeper: Pick<LeaseKeeper, 'interface'>,
  { version, address, mac, iaid, clientId }: DhcpLease,
  serverId: string | undefined,
): string[] {
  const device = interfaceName(keeper.interface)
  // Clients choose what they are called.
  const hex = (text: string) => matching('DHCP client id', /^[0-9a-f]{2}(:[0-9a-f]{2})*$/i, text)
  if (version === 4) {
    const client = clientId === undefined ? [] : [hex(clientId)]
    return ['dhcp_release', device, address, mac ?? matching('hardware address', /^[0-9a-f:-]+$/i, iaid), ...client]
  }
  const words = [
    ['--iface', device],
    ['--client-id', hex(clientId ?? '')],
    ['--server-id', hex(serverId ?? '')],
    ['--iaid', matching('identity association', /^\d+$/, iaid)],
    ['--ip', address],
  ]
  return ['dhcp_release6', ...words.flat()]
}
