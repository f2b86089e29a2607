/**
 * Administrative commands of a service, as upstream's `keystone-manage`, `glance-manage` or `placement-status`: a table
 * of commands, each with its options and what it does. They work on the database and the keys, beside a cloud that
 * runs or without one.
 */
import { parseArgs } from 'node:util'
import type { Logger } from '../log/log.ts'

/** What every command stands on. */
export interface ManageEnv {
  /** Folder of the service in the cloud's state. */
  stateDir: string
  configFiles: readonly string[]
  /** Of the cloud; the service's own `[database] connection` goes before it. */
  databaseUrl: string
  log: Logger
  /** Writes a line to standard output. */
  print(line: string): void
  /** Writes a line to standard error. */
  warn(line: string): void
}

/** An option of a command; `value` names what follows it, without one it is a switch. */
export interface CommandOption {
  help: string
  value?: string
  required?: boolean
  default?: string
  choices?: readonly string[]
}

export interface CommandArguments {
  /** The value of an option that takes one. */
  text(name: string): string | undefined
  /** Whether a switch was given. */
  has(name: string): boolean
  readonly positionals: readonly string[]
}

export interface Command {
  summary: string
  options?: Readonly<Record<string, CommandOption>>
  /** How positional arguments are called, e.g. `[version]`; absent where there are none. */
  positionals?: string
  /** The command reads all that follows its name itself, options too. */
  isFree?: boolean
  /** Returns the exit status, nothing for 0. Throws CommandFailed with what to do. */
  run(args: CommandArguments, env: ManageEnv): Promise<number | void>
}

/** Commands by name; a name of two words (`db sync`) is written so. */
export type CommandTable = Readonly<Record<string, Command>>

/** The command did not do it; the message says why and what to do. */
export class CommandFailed extends Error {}

/** The command line is wrong: exit status 2. */
export class CommandLineError extends Error {}

/** Runs `program`'s command of `argv`; returns the exit status. Throws CommandLineError and what the command throws. */
export async function runCommand(
  program: string,
  table: CommandTable,
  argv: readonly string[],
  env: ManageEnv,
): Promise<number> {
  const [first = '', second = ''] = argv
  const pair = `${first} ${second}`
  const name = table[pair] ? pair : first
  const command = table[name]
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    env.print(helpOf(program, table))
    return name === '' ? 2 : 0
  }
  if (!command) throw new CommandLineError(`'${first}' is no command of ${program}; see ${program} --help`)
  const rest = argv.slice(name === pair ? 2 : 1)
  if (command.isFree) return (await command.run(unread(rest), env)) ?? 0
  if (rest.includes('--help') || rest.includes('-h')) {
    env.print(helpOfCommand(program, name, command))
    return 0
  }
  return (await command.run(parse(program, name, command, rest), env)) ?? 0
}

const unread = (words: readonly string[]): CommandArguments => ({
  positionals: words,
  has: () => false,
  text: () => undefined,
})

function parse(program: string, name: string, command: Command, argv: readonly string[]): CommandArguments {
  const options = command.options ?? {}
  const fail = (why: string): never => {
    throw new CommandLineError(`${program} ${name}: ${why}; see ${program} ${name} --help`)
  }
  // Guides on the web turn `--` into a long dash.
  const dashed = argv.find((word) => /^[–—]/.test(word))
  if (dashed !== undefined) fail(`'${dashed}' begins with a long dash, write --${dashed.replace(/^[–—]+/, '')}`)
  const { values, positionals } = parseWords(argv, options, fail)
  if (positionals.length > 0 && command.positionals === undefined) fail(`does not know '${positionals[0]}'`)
  for (const [key, option] of Object.entries(options)) {
    const value = values[key]
    if (option.required && value === undefined) fail(`--${key} is required`)
    if (option.choices && typeof value === 'string' && !option.choices.includes(value))
      fail(`--${key} must be one of ${option.choices.join(', ')}`)
  }
  return {
    positionals,
    has: (key) => values[key] === true,
    text: (key) => {
      const value = values[key] ?? options[key]?.default
      return typeof value === 'string' ? value : undefined
    },
  }
}

function parseWords(
  argv: readonly string[],
  options: Readonly<Record<string, CommandOption>>,
  fail: (why: string) => never,
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  const known = Object.fromEntries(
    Object.entries(options).map(([key, { value }]) => [key, { type: value ? 'string' : 'boolean' } as const]),
  )
  try {
    return parseArgs({ args: [...argv], options: known, allowPositionals: true })
  } catch (error) {
    return fail((error as Error).message.split('. ')[0]!)
  }
}

const columns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}

const helpOf = (program: string, table: CommandTable): string =>
  [
    `Usage: ${program} [--state-dir DIR | --name NAME] [--config-file FILE]... COMMAND [OPTIONS]`,
    '',
    'Commands',
    columns(Object.entries(table).map(([name, { summary }]) => [name, summary])),
    '',
    `${program} COMMAND --help tells more.`,
  ].join('\n')

function helpOfCommand(program: string, name: string, command: Command): string {
  const options = Object.entries(command.options ?? {})
  const words = [program, name, ...(options.length > 0 ? ['[OPTIONS]'] : []), command.positionals ?? '']
  const rows = options.map(
    ([key, option]) => [`--${key}${option.value ? ` ${option.value}` : ''}`, option.help] as const,
  )
  return [
    `Usage: ${words.join(' ').trim()}`,
    '',
    command.summary,
    ...(rows.length > 0 ? ['', columns(rows)] : []),
  ].join('\n')
}
