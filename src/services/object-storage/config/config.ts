/** What swift.conf and the servers' files say, and what holds where they say nothing. */
import { basename, dirname, join } from 'node:path'
import { existsSync } from 'node:fs'
import { ConfigError } from '../../../platform/config/config.ts'
import type { HashMix } from '../model/hash-path.ts'
import { Options } from '../middleware/middleware.ts'
import type { Limits, Policy } from '../proxy/deps.ts'
import type { ServerKind } from '../proxy/backends.ts'
import { readPaste, type PasteFile } from './paste.ts'
import { pipelineOf, type Stage } from './pipeline.ts'

export interface StorageServerConfig {
  /** Folder of the devices; undefined for the cloud's own. */
  readonly devices: string | undefined
  readonly mountCheck: boolean
  /** Where it listens; undefined where it is only for the proxy in its process. */
  readonly listen: { readonly host: string; readonly port: number } | undefined
}

export interface SwiftConfig {
  /** Undefined where the cloud has its own. */
  readonly mix: HashMix | undefined
  readonly policies: readonly Policy[]
  readonly limits: Limits
  /** Folder of the rings; undefined where there are none and the cloud has its own. */
  readonly ringFolder: string | undefined
  readonly servers: Readonly<Record<ServerKind, StorageServerConfig>>
  readonly pipeline: readonly Stage[]
  readonly proxy: {
    readonly accountAutocreate: boolean
    readonly allowAccountManagement: boolean
    readonly connectMs: number
    readonly answerMs: number
    readonly exposeInfo: boolean
    readonly hiddenInfo: readonly string[]
  }
  /** What is told: parts of files that mean nothing here. */
  readonly remarks: readonly string[]
}

export const kinds: readonly ServerKind[] = ['account', 'container', 'object']

/** Reads all files. Throws ConfigError with everything that is wrong. */
export function readSwiftConfig(files: readonly string[]): SwiftConfig {
  const problems: string[] = []
  const remarks: string[] = []
  // Those of a folder `NAME.d` belong to NAME.
  const of = (name: string) => {
    const paste = readPaste(files.filter((file) => basename(file) === name || basename(dirname(file)) === `${name}.d`))
    problems.push(...paste.problems)
    return paste
  }
  const attempt = <T>(place: string, otherwise: T, read: () => T): T => {
    try {
      return read()
    } catch (error) {
      problems.push(`${place}: ${(error as Error).message}`)
      return otherwise
    }
  }
  const swift = of('swift.conf')
  const proxy = of('proxy-server.conf')
  const app = appSection(proxy)
  const policies = attempt(swift.placeOf('DEFAULT'), [policyZero], () => policiesIn(swift, problems))
  const config: SwiftConfig = {
    mix: mixIn(swift),
    policies,
    limits: attempt(swift.placeOf('swift-constraints'), usualLimits, () => limitsIn(swift)),
    ringFolder: attempt(proxy.placeOf('DEFAULT'), undefined, () => ringFolderOf(proxy, files, policies)),
    servers: {
      account: attempt('account-server.conf', unlisted, () => serverIn(of('account-server.conf'), 6202)),
      container: attempt('container-server.conf', unlisted, () => serverIn(of('container-server.conf'), 6201)),
      object: attempt('object-server.conf', unlisted, () => serverIn(of('object-server.conf'), 6200)),
    },
    pipeline: pipelineOf(proxy, problems, remarks),
    proxy: attempt(proxy.placeOf('app:proxy-server'), usualProxy, () => proxyIn(app)),
    remarks,
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

const unlisted: StorageServerConfig = { devices: undefined, mountCheck: false, listen: undefined }

/** The last of the pipeline is the proxy; its section may have another name. */
function appSection(proxy: PasteFile): Options {
  const last = proxy.section('pipeline:main')?.list('pipeline', []).at(-1) ?? 'proxy-server'
  return proxy.section(`app:${last}`) ?? proxy.section('DEFAULT') ?? new Options()
}

const usualProxy: SwiftConfig['proxy'] = proxyIn(new Options())

function proxyIn(app: Options): SwiftConfig['proxy'] {
  return {
    accountAutocreate: app.flag('account_autocreate', true),
    allowAccountManagement: app.flag('allow_account_management', false),
    connectMs: app.number('conn_timeout', 0.5) * 1000,
    answerMs: app.number('node_timeout', 10) * 1000,
    exposeInfo: app.flag('expose_info', true),
    hiddenInfo: app.list('disallowed_sections', ['swift.valid_api_versions', 'swift.auto_create_account_prefix']),
  }
}

function mixIn(swift: PasteFile): HashMix | undefined {
  const section = swift.section('swift-hash')
  if (!section) return undefined
  const mix = { prefix: section.text('swift_hash_path_prefix', ''), suffix: section.text('swift_hash_path_suffix', '') }
  return mix.prefix === '' && mix.suffix === '' ? undefined : mix
}

const policyZero: Policy = { index: 0, name: 'Policy-0', isDefault: true, isDeprecated: false }

function policiesIn(swift: PasteFile, problems: string[]): readonly Policy[] {
  const sections = swift.sections.filter((name) => name.startsWith('storage-policy:'))
  const policies = sections.map((name): Policy => {
    const section = swift.section(name)!
    const index = Number(name.slice('storage-policy:'.length))
    const type = section.text('policy_type', 'replication')
    if (!Number.isInteger(index) || index < 0) problems.push(`${swift.placeOf(name)}: [${name}] must end in a number`)
    if (type !== 'replication')
      problems.push(`${swift.placeOf(name)}: [${name}] policy_type = ${type}: only replication can be served here`)
    return {
      index,
      name: section.text('name', `Policy-${index}`),
      isDefault: section.flag('default', false),
      isDeprecated: section.flag('deprecated', false),
    }
  })
  if (policies.length === 0) return [policyZero]
  if (!policies.some(({ index }) => index === 0)) throw new Error('there must be a [storage-policy:0]')
  if (policies.length > 1 && !policies.some(({ isDefault }) => isDefault))
    throw new Error('one storage policy must be the default')
  return policies.length === 1 ? [{ ...policies[0]!, isDefault: true }] : policies
}

/** Upstream's names of the limits, with its values. */
const limitNames = {
  maxFileSize: ['max_file_size', 5_368_709_122],
  maxMetaNameLength: ['max_meta_name_length', 128],
  maxMetaValueLength: ['max_meta_value_length', 256],
  maxMetaCount: ['max_meta_count', 90],
  maxMetaOverallSize: ['max_meta_overall_size', 4096],
  maxHeaderSize: ['max_header_size', 8192],
  maxObjectNameLength: ['max_object_name_length', 1024],
  containerListingLimit: ['container_listing_limit', 10_000],
  accountListingLimit: ['account_listing_limit', 10_000],
  maxAccountNameLength: ['max_account_name_length', 256],
  maxContainerNameLength: ['max_container_name_length', 256],
} as const satisfies Record<keyof Limits, readonly [string, number]>

function limitsIn(swift: PasteFile): Limits {
  const section = swift.section('swift-constraints') ?? new Options()
  const pairs = Object.entries(limitNames).map(([key, [name, usual]]) => [key, section.number(name, usual)] as const)
  return Object.fromEntries(pairs) as unknown as Limits
}

const usualLimits = Object.fromEntries(
  Object.entries(limitNames).map(([key, [, usual]]) => [key, usual]),
) as unknown as Limits

/** The limits as `/info` tells them. */
export const shownLimits = (limits: Limits): Record<string, number> =>
  Object.fromEntries(Object.entries(limitNames).map(([key, [name]]) => [name, limits[key as keyof Limits]]))

export const ringName = ({ index }: Policy): string => `object${index === 0 ? '' : `-${index}`}.ring.gz`

function ringFolderOf(proxy: PasteFile, files: readonly string[], policies: readonly Policy[]): string | undefined {
  const folder = proxy.section('DEFAULT')?.text('swift_dir', '') || dirname(files[0] ?? '')
  const names = ['account.ring.gz', 'container.ring.gz', ...policies.map(ringName)]
  const missing = names.filter((name) => !existsSync(join(folder, name)))
  if (missing.length === names.length) return undefined
  if (missing.length > 0) throw new Error(`${folder} has rings, but not ${missing.join(', ')}`)
  return folder
}

function serverIn(file: PasteFile, standard: number): StorageServerConfig {
  const section = file.section('DEFAULT')
  if (!file.exists || !section) return unlisted
  return {
    devices: section.text('devices', '/srv/node'),
    mountCheck: section.flag('mount_check', true),
    listen: { host: section.text('bind_ip', '127.0.0.1'), port: section.number('bind_port', standard) },
  }
}
