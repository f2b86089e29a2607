/** How devices are written on the command line: to add them, to find them, to change them. */
import { isIPv4, isIPv6 } from 'node:net'
import type { NewDevice } from '../../model/ring/builder.ts'
import type { Device } from '../../model/ring/device.ts'

/** What is written is wrong; the message is upstream's. */
export class WordError extends Error {}

export type Found = Partial<Omit<Device, 'parts' | 'parts_wanted'>>

/** Addresses are compared as texts, so each has one form: lower case, IPv6 as short as it goes. */
export function addressOf(text: string): string {
  const lower = text.replace(/^\[+/, '').replace(/\]+$/, '').toLowerCase()
  if (isIPv4(lower)) return lower
  if (isIPv6(lower)) return shortForm(lower)
  if (/^\[.*\]$/.test(text)) throw new WordError(`Invalid ip ${lower}`)
  const labels = lower.replace(/\.$/, '').split('.')
  if (lower !== '' && lower.length <= 255 && labels.every((label) => /^(?!-)[a-z\d-]{1,63}(?<!-)$/.test(label)))
    return lower
  throw new WordError(`Invalid address ${text}`)
}

const shortForm = (ip: string): string => new URL(`http://[${ip}]`).hostname.slice(1, -1)

function ipOf(text: string): string {
  const lower = text.toLowerCase()
  if (isIPv4(lower)) return lower
  if (isIPv6(lower)) return shortForm(lower)
  throw new WordError(`Invalid ip ${lower}`)
}

const added =
  /^(?:r(?<region>\d+))?z(?<zone>\d+)-(?<address>[^R/]+)(?:R(?<replication>[^R/]+))?\/(?<device>[^_]*)(?:_(?<meta>[^]*))?$/

function ipAndPort(text: string): { ip: string; port: number } {
  const parts = /^(.*):(\d+)$/.exec(text)
  if (!parts) throw new WordError('Invalid port in add value')
  return { ip: ipOf(parts[1]!.replaceAll(/[[\]]/g, '')), port: Number(parts[2]) }
}

/** `r1z2-10.0.0.1:6200R10.1.0.1:6200/sdb_meta`; the region may be left out. */
export function parseAdd(text: string): Omit<NewDevice, 'weight' | 'region'> & { region: number | undefined } {
  const groups = added.exec(text)?.groups
  if (!groups) throw new WordError(`Invalid add value: ${text}`)
  const { region, zone, address, replication, device = '', meta = '' } = groups
  if (device === '' || device !== device.trim()) throw new WordError('Invalid device name')
  const { ip, port } = ipAndPort(address!)
  const other = replication === undefined ? { ip, port } : ipAndPort(replication)
  return {
    region: region === undefined ? undefined : Number(region),
    zone: Number(zone),
    ip,
    port,
    device,
    replication_ip: other.ip,
    replication_port: other.port,
    meta,
  }
}

const searched =
  /^(?:d(?<id>\d+))?(?:r(?<region>\d+))?(?:z(?<zone>\d+))?-?(?<ip>\d[\d.]*|\[[^\]]*\])?(?::(?<port>\d+))?(?:R(?<rip>\d[\d.]*|\[[^\]]*\])?(?::(?<rport>\d+))?)?(?:\/(?<device>[^_]*))?(?:_(?<meta>[^]*))?$/

/** `d1r1z2-10.0.0.1:6200R10.1.0.1:6200/sdb_meta`, each of it at will. */
export function parseSearch(text: string): Found {
  const groups = searched.exec(text)?.groups
  if (!groups) throw new WordError(`Invalid <search-value>: '${text}'`)
  return foundOf(groups)
}

/** The same without what cannot be changed: `10.0.0.1:6200R10.1.0.1:6200/sdb_meta`. */
export function parseChange(text: string): Found {
  const groups = searched.exec(text)?.groups
  const change = groups && foundOf(groups)
  if (!change || Object.keys(change).length === 0 || /^[drz-]/.test(text))
    throw new WordError(`Invalid set info change value: '${text}'`)
  return change
}

function foundOf(groups: Readonly<Record<string, string | undefined>>): Found {
  const { ip, rip, device, meta } = groups
  const number = (name: string) => (groups[name] === undefined ? undefined : Number(groups[name]))
  const bare = (text: string | undefined) => (text === undefined ? undefined : ipOf(text.replaceAll(/[[\]]/g, '')))
  const found = {
    id: number('id'),
    region: number('region'),
    zone: number('zone'),
    ip: bare(ip),
    port: number('port'),
    replication_ip: bare(rip),
    replication_port: number('rport'),
    device,
    meta,
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

/** The devices that have all of what is looked for; of `meta` a part is enough. */
export function search(devices: readonly Device[], wanted: Found): Device[] {
  return devices.filter((device) =>
    Object.entries(wanted).every(([name, value]) => {
      const own = device[name as keyof Device]
      return name === 'meta' ? String(own).includes(String(value)) : own === value
    }),
  )
}
