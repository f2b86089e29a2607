/** The administrative programs of the services, as `nephos keystone-manage …` or under their own name. */
import { parseArgs } from 'node:util'
import { CommandLineError, runCommand, type CommandTable } from '../platform/manage/command.ts'
import { createLogger } from '../platform/log/log.ts'
import { stateDirOf } from './arguments.ts'
import { configFilesOf, databaseUrlOf } from './service-files.ts'
import { paths } from './settings.ts'

interface Program {
  /** Of the service that it belongs to. */
  type: string
  load(): Promise<CommandTable>
  /** Of programs that do one thing: the command that is always meant. */
  only?: string
}

const glanceCache = () => import('../services/image/manage/cache.ts')
const glance = () => import('../services/image/manage/commands.ts')

const programs: Readonly<Record<string, Program>> = {
  'keystone-manage': {
    type: 'identity',
    load: async () => (await import('../services/identity/manage/commands.ts')).keystoneManage,
  },
  'glance-manage': { type: 'image', load: async () => (await glance()).glanceManage },
  'glance-scrubber': { type: 'image', load: async () => (await glance()).glanceScrubber, only: 'run' },
  'glance-cache-manage': { type: 'image', load: async () => (await glanceCache()).glanceCacheManage },
  'glance-cache-prefetcher': {
    type: 'image',
    load: async () => (await glanceCache()).glanceCachePrefetcher,
    only: 'run',
  },
  'glance-cache-pruner': { type: 'image', load: async () => (await glanceCache()).glanceCachePruner, only: 'run' },
  'glance-cache-cleaner': { type: 'image', load: async () => (await glanceCache()).glanceCacheCleaner, only: 'run' },
  'placement-manage': {
    type: 'placement',
    load: async () => (await import('../services/placement/manage/database.ts')).placementManage,
  },
  'placement-status': {
    type: 'placement',
    load: async () => (await import('../services/placement/manage/upgrade-check.ts')).placementStatus,
  },
}

export const programNames = Object.keys(programs)

/** Options that stand before the command, as oslo.config has them, and where the cloud is. */
const globalOptions = {
  'state-dir': { type: 'string' },
  name: { type: 'string' },
  'config-file': { type: 'string', multiple: true },
  debug: { type: 'boolean', short: 'd' },
} as const

/** Runs a program; returns the exit status: 1 when it failed, 2 when the command line is wrong. */
export async function manage(name: string, argv: readonly string[]): Promise<number> {
  const program = programs[name]!
  const print = (line: string) => process.stdout.write(`${line}\n`)
  const warn = (line: string) => process.stderr.write(`${name}: ${line}\n`)
  try {
    const at = commandAt(argv, program.only !== undefined)
    const { values } = parseGlobal(argv.slice(0, at))
    const stateDir = stateDirOf(values)
    const words = [...(program.only === undefined ? [] : [program.only]), ...argv.slice(at)]
    return await runCommand(name, await program.load(), words, {
      stateDir: paths(stateDir).service(program.type),
      configFiles: values['config-file'] ?? configFilesOf(stateDir, program.type),
      databaseUrl: databaseUrlOf(stateDir, program.type),
      log: createLogger({ name }),
      print,
      warn,
    })
  } catch (error) {
    warn(error instanceof Error ? error.message : String(error))
    if (process.env['NEPHOS_LOG'] === 'debug') console.error(error)
    return error instanceof CommandLineError ? 2 : 1
  }
}

/** Where the command begins: the first word that is no option and no option's value, or no option of all programs. */
function commandAt(argv: readonly string[], hasOneCommand: boolean): number {
  let at = 0
  while (at < argv.length && argv[at]!.startsWith('-') && argv[at] !== '--help' && argv[at] !== '-h') {
    const word = argv[at]!.replace(/^--/, '')
    const known = globalOptions[word as keyof typeof globalOptions]
    if (hasOneCommand && !known) break
    at += known?.type === 'string' ? 2 : 1
  }
  return at
}

function parseGlobal(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: globalOptions, allowPositionals: false })
  } catch (error) {
    throw new CommandLineError((error as Error).message.split('. ')[0]!, { cause: error })
  }
}
