/** The administrative programs of the services, as `nephos keystone-manage …` or under their own name. */
import { parseArgs } from 'node:util'
import { CommandLineError, runCommand } from '../platform/manage/command.ts'
import { createLogger } from '../platform/log/log.ts'
import type { ManageProgram } from '../platform/service.ts'
import { services } from '../deployment/services.ts'
import { continueAsControl } from '../deployment/control-user.ts'
import { stateDirOf } from './arguments.ts'
import { configFilesOf, databaseUrlOf } from '../deployment/service-files.ts'
import { paths } from '../deployment/settings.ts'

const programs: ReadonlyMap<string, ManageProgram & { type: string }> = new Map(
  services.flatMap(({ type, programs: own = {} }) =>
    Object.entries(own).map(([name, program]) => [name, { ...program, type }] as const),
  ),
)

export const programNames: readonly string[] = [...programs.keys()]

/** Options that stand before the command, as oslo.config has them, and where the cloud is. */
const globalOptions = {
  'state-dir': { type: 'string' },
  name: { type: 'string' },
  'config-file': { type: 'string', multiple: true },
  debug: { type: 'boolean', short: 'd' },
} as const

/** Runs a program; returns the exit status: 1 when it failed, 2 when the command line is wrong. */
export async function manage(name: string, argv: readonly string[]): Promise<number> {
  const program = programs.get(name)!
  const print = (line: string) => process.stdout.write(`${line}\n`)
  const warn = (line: string) => process.stderr.write(`${name}: ${line}\n`)
  try {
    const at = commandAt(argv, program.only !== undefined)
    const { values } = parseGlobal(argv.slice(0, at))
    const stateDir = stateDirOf(values)
    await continueAsControl(stateDir, [name, '--state-dir', stateDir, ...argv])
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
