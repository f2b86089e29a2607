/** Configures Debian's tempest for a test cloud, runs a part of it, and reads what it says. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collect, type TestCloud } from '../../cloud.ts'
import type { Sections, TempestService } from './services.ts'

export interface TempestResult {
  passed: readonly string[]
  failed: readonly string[]
  /** By tempest itself, with its reason. */
  skipped: readonly string[]
  /** All that there are, the excluded ones among them. */
  known: readonly string[]
  output: string
}

/** `exclude REGEX | why` keeps tests from running, `skip REGEX | why` says that tempest may skip them by itself. */
export interface SkipLine {
  kind: 'exclude' | 'skip'
  regex: string
  why: string
}

/** The list of a service: what is not run or skipped, each with its reason. */
export function readSkips(type: string): SkipLine[] {
  const file = join(import.meta.dirname, `${type}.skip`)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^(exclude|skip)\s+(\S+)\s+\|\s+(\S.*)$/.exec(line)
      if (!match) throw new Error(`${file}: not 'exclude REGEX | why' or 'skip REGEX | why': ${line}`)
      return { kind: match[1] as 'exclude' | 'skip', regex: match[2]!, why: match[3]! }
    })
}

function common(cloud: TestCloud, folder: string): Sections {
  const env = cloud.environment('admin')
  return {
    DEFAULT: { log_file: join(folder, 'tempest.log'), use_stderr: 'false' },
    oslo_concurrency: { lock_path: join(folder, 'lock') },
    auth: {
      use_dynamic_credentials: 'true',
      admin_username: env['OS_USERNAME'] ?? '',
      admin_password: env['OS_PASSWORD'] ?? '',
      admin_project_name: env['OS_PROJECT_NAME'] ?? '',
      admin_domain_name: 'Default',
      create_isolated_networks: 'false',
    },
    identity: {
      uri_v3: `${cloud.url('identity')}/v3`,
      auth_version: 'v3',
      region: env['OS_REGION_NAME'] ?? 'RegionOne',
      v3_endpoint_type: 'publicURL',
    },
    service_available: { cinder: 'false', swift: 'false', glance: 'true', nova: 'true', neutron: 'true' },
  }
}

const toIni = (sections: Sections): string =>
  Object.entries(sections)
    .map(
      ([name, options]) =>
        `[${name}]\n${Object.entries(options)
          .map(([key, value]) => `${key} = ${value}\n`)
          .join('')}`,
    )
    .join('\n')

function merge(...all: readonly Sections[]): Sections {
  const merged: Record<string, Record<string, string>> = {}
  for (const sections of all) {
    for (const [name, options] of Object.entries(sections)) merged[name] = { ...merged[name], ...options }
  }
  return merged
}

/** Runs the tests of a service; `netns` is where the cloud is. */
export async function runTempest(
  cloud: TestCloud,
  service: TempestService,
  options: { netns?: string; regex?: string } = {},
): Promise<TempestResult> {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-tempest-'))
  try {
    const prefix = options.netns ? ['nsenter', `--net=/run/netns/${options.netns}`] : []
    for (const name of ['etc', 'lock']) mkdirSync(join(folder, name))
    const ask = async (...argv: string[]) =>
      (await collect([...prefix, ...argv], { ...cloud.environment('admin'), PYTHONWARNINGS: 'ignore' })).output.trim()
    const sections = typeof service.options === 'function' ? await service.options(cloud.url, ask) : service.options
    writeFileSync(join(folder, 'etc/tempest.conf'), toIni(merge(common(cloud, folder), sections)))
    if (service.python) writeFileSync(join(folder, 'sitecustomize.py'), service.python)
    writeFileSync(
      join(folder, '.stestr.conf'),
      '[DEFAULT]\ntest_path=/usr/lib/python3/dist-packages/tempest/test_discover\ntop_dir=/usr/lib/python3/dist-packages\ngroup_regex=([^\\.]*\\.)*\n',
    )
    const excluded = readSkips(service.type).filter((line) => line.kind === 'exclude')
    writeFileSync(join(folder, 'excluded'), excluded.map((line) => `${line.regex}\n`).join(''))
    const { output } = await collect(
      [
        ...prefix,
        'sh',
        '-c',
        'cd "$0" && stestr init >/dev/null && tempest="tempest run --config-file etc/tempest.conf --regex $1" && $tempest --list-tests >listed && exec $tempest --concurrency 2 --exclude-list excluded',
        folder,
        options.regex ?? service.regex,
      ],
      {
        OS_STDOUT_CAPTURE: '1',
        OS_STDERR_CAPTURE: '1',
        PYTHONWARNINGS: 'ignore',
        ...(service.python && { PYTHONPATH: folder }),
      },
    )
    return { ...read(output), known: readFileSync(join(folder, 'listed'), 'utf8').split('\n'), output }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** `{1} tempest.api.x.Class.test [0.5s] ... ok`, `FAILED`, `SKIPPED: why`. */
function read(output: string): Omit<TempestResult, 'output' | 'known'> {
  const lines = [...output.matchAll(/^\{\d+\} (.+?)(?: \[[\d.]+s\])? \.\.\. (ok|FAILED|SKIPPED)(.*)$/gm)]
  const of = (result: string) => lines.filter((line) => line[2] === result).map((line) => line[1]! + line[3]!)
  return { passed: of('ok'), failed: of('FAILED'), skipped: of('SKIPPED') }
}
