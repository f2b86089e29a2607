/** Options of swift-ring-builder's commands, in both of its ways to write them. */
import { parseArgs } from 'node:util'
import type { NewDevice } from '../../model/ring/builder.ts'
import { addressOf, WordError, type Found } from './words.ts'

const known = {
  id: { type: 'string', short: 'u' },
  region: { type: 'string', short: 'r' },
  zone: { type: 'string', short: 'z' },
  ip: { type: 'string', short: 'i' },
  port: { type: 'string', short: 'p' },
  'replication-ip': { type: 'string', short: 'j' },
  'replication-port': { type: 'string', short: 'q' },
  device: { type: 'string', short: 'd' },
  weight: { type: 'string', short: 'w' },
  meta: { type: 'string', short: 'm' },
  'change-ip': { type: 'string', short: 'I' },
  'change-port': { type: 'string', short: 'P' },
  'change-replication-ip': { type: 'string', short: 'J' },
  'change-replication-port': { type: 'string', short: 'Q' },
  'change-device': { type: 'string', short: 'D' },
  'change-meta': { type: 'string', short: 'M' },
  yes: { type: 'boolean', short: 'y' },
} as const

export interface Options {
  /** Words that are no options. */
  readonly words: readonly string[]
  /** What the options look for; undefined where there are none. */
  readonly search: Found | undefined
  readonly change: Found
  readonly isYes: boolean
  /** The device that the options describe. Throws WordError where they do not. */
  device(): NewDevice
}

/** Throws WordError. */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parse(argv)
  const text = (name: Exclude<keyof typeof known, 'yes'>) => values[name] || undefined
  const number = (name: Exclude<keyof typeof known, 'yes'>) => {
    const value = text(name)
    if (value !== undefined && !Number.isFinite(Number(value)))
      throw new WordError(`option --${name}: invalid value: '${value}'`)
    return value === undefined ? undefined : Number(value)
  }
  const address = (name: Exclude<keyof typeof known, 'yes'>) => {
    const value = text(name)
    return value === undefined ? undefined : addressOf(value)
  }
  const search = defined({
    id: number('id'),
    region: number('region'),
    zone: number('zone'),
    ip: address('ip'),
    port: number('port'),
    replication_ip: address('replication-ip'),
    replication_port: number('replication-port'),
    device: text('device'),
    weight: number('weight'),
    meta: text('meta'),
  })
  const change = defined({
    ip: address('change-ip'),
    port: number('change-port'),
    replication_ip: address('change-replication-ip'),
    replication_port: number('change-replication-port'),
    device: text('change-device'),
    meta: text('change-meta'),
  })
  return {
    words: positionals,
    search: Object.keys(search).length > 0 ? search : undefined,
    change,
    isYes: values.yes === true,
    device: () => deviceOf(search),
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: known, allowPositionals: true })
  } catch (cause) {
    throw new WordError((cause as Error).message.split('. ')[0]!, { cause })
  }
}

const defined = (found: Record<string, string | number | undefined>): Found =>
  Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))

const required = ['region', 'zone', 'ip', 'port', 'device', 'weight'] as const

function deviceOf(given: Found): NewDevice {
  for (const name of required)
    if (given[name] === undefined) throw new WordError(`Required argument -${name[0]}/--${name} not specified.`)
  const { region = 0, zone = 0, ip = '', port = 0, device = '', weight = 0, meta = '' } = given
  if (device !== device.trim()) throw new WordError('Invalid device name')
  const { replication_ip = ip, replication_port = port } = given
  return { region, zone, ip, port, device, meta, replication_ip, replication_port, weight }
}
