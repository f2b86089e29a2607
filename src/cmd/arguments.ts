import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultStateDir, type SettingsInput } from '../deployment/settings.ts'

/** A command line that cannot be understood; the message says why. */
export class UsageError extends Error {}

const options = {
  'state-dir': { type: 'string' },
  name: { type: 'string' },
  'port-base': { type: 'string' },
  bind: { type: 'string' },
  'bind-internal': { type: 'string' },
  detach: { type: 'boolean' },
  fake: { type: 'boolean' },
  'compute-hosts': { type: 'string' },
  'provider-cidr': { type: 'string' },
  user: { type: 'string' },
  'no-install': { type: 'boolean' },
  json: { type: 'boolean' },
  periodics: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const

export interface Arguments {
  command: string
  rest: string[]
  stateDir: string
  detach: boolean
  noInstall: boolean
  json: boolean
  periodics: boolean
  help: boolean
  version: boolean
  settings: SettingsInput
}

/** Parses `nephos COMMAND OPTIONS`. Throws UsageError. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv)
  const number = (name: 'port-base' | 'compute-hosts', min: number, max: number): number | undefined => {
    const text = values[name]
    if (text === undefined) return undefined
    if (!/^\d+$/.test(text) || Number(text) < min || Number(text) > max) {
      throw new UsageError(`--${name} ${text}: must be a number from ${min} to ${max}`)
    }
    return Number(text)
  }
  const fake = values.fake
  if (values['compute-hosts'] !== undefined && !fake) throw new UsageError('--compute-hosts goes with --fake')
  return {
    command: positionals[0] ?? 'help',
    rest: positionals.slice(1),
    stateDir: stateDirOf(values),
    detach: values.detach ?? false,
    noInstall: values['no-install'] ?? false,
    json: values.json ?? false,
    periodics: values.periodics ?? false,
    help: values.help ?? false,
    version: values.version ?? false,
    settings: {
      name: values.name,
      portBase: number('port-base', 1024, 65_000),
      bind: values.bind,
      bindInternal: values['bind-internal'],
      fake,
      computeHosts: number('compute-hosts', 1, 10_000),
      providerCidr: values['provider-cidr'],
      user: values.user,
    },
  }
}

/** Always absolute: QEMU and the agents have folders of their own to start from. */
export const stateDirOf = (values: { 'state-dir'?: string; name?: string }): string =>
  resolve(values['state-dir'] ?? defaultStateDir(values.name ?? 'nephos'))

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true })
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}; see nephos --help`, { cause })
  }
}
