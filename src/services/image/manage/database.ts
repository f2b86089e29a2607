/** glance-manage: the schema and what is over. */
import { appliedMigrations, migrate } from '../../../platform/db/migrate.ts'
import { CommandFailed, type Command, type CommandArguments, type ManageEnv } from '../../../platform/manage/command.ts'
import { migrations } from '../open.ts'
import { purgeImages, purgeTasks } from '../operations/purge.ts'
import { withDatabase } from './environment.ts'

const version = { value: 'VERSION', help: 'ignored: there is one line of versions' }

const sync = (summary: string): Command => ({
  summary,
  options: { version },
  positionals: '[VERSION]',
  run: (_args, env) =>
    withDatabase(env, async (database) => {
      const ran = await migrate(database, migrations)
      env.print(ran.length === 0 ? 'Database is up to date.' : `Database is synced: ${ran.join(', ')}.`)
    }),
})

const applied = (env: ManageEnv) => withDatabase(env, appliedMigrations)

const showVersion: Command = {
  summary: 'Shows the version of the schema.',
  async run(_args, env) {
    env.print((await applied(env)).at(-1) ?? 'Database is currently not under version control.')
  },
}

/** Exit statuses are upstream's: 3 where the schema has to be expanded. */
const check: Command = {
  summary: 'Tells whether the schema is the newest: exit status 0 when it is, 3 when `db sync` is needed.',
  async run(_args, env) {
    const there = await applied(env)
    const missing = migrations.map(({ name }) => name).filter((name) => !there.includes(name))
    if (missing.length === 0) return void env.print('Database is up to date. No upgrades needed.')
    env.print(`Your database is not up to date. Your first step is to run \`glance-manage db expand\`.`)
    return 3
  },
}

/** One step does all here, so each of the three may come first. */
const phases = {
  expand: sync('Brings the schema up to date, as `db sync`.'),
  migrate: sync('Brings the schema up to date, as `db sync`.'),
  contract: sync('Brings the schema up to date, as `db sync`.'),
}

function wholeNumber(args: CommandArguments, name: string, least: number): number {
  const text = args.text(name) ?? ''
  if (!/^-?\d+$/.test(text) || Number(text) < least)
    throw new CommandFailed(`Must supply a ${least < 0 ? 'number' : 'non-negative value'} for --${name}`)
  return Number(text)
}

const dayMs = 86_400_000
const age = (fallback: string) => ({ value: 'DAYS', help: 'older than this', default: fallback })
const rows = { value: 'N', help: 'at most so many; -1 for all', default: '100' }

const purge: Command = {
  summary: 'Removes what belonged to images that are deleted, and tasks that are over.',
  options: { age_in_days: age('30'), max_rows: rows },
  run: (args, env) =>
    withDatabase(env, async (database) => {
      const before = Date.now() - wholeNumber(args, 'age_in_days', 0) * dayMs
      const count = await purgeTasks(database, before, wholeNumber(args, 'max_rows', -1))
      env.print(`Purged ${count} tasks.`)
    }),
}

const purgeImagesTable: Command = {
  summary: 'Removes the rows of deleted images; their ids are still never given again.',
  options: { age_in_days: age('180'), max_rows: rows },
  run: (args, env) =>
    withDatabase(env, async (database) => {
      const before = Date.now() - wholeNumber(args, 'age_in_days', 0) * dayMs
      const count = await purgeImages(database, before, wholeNumber(args, 'max_rows', -1))
      env.print(`Purged ${count} images.`)
    }),
}

const table = {
  sync: sync('Brings the schema up to date.'),
  upgrade: sync('Brings the schema up to date.'),
  version_control: sync('Brings the schema up to date.'),
  version: showVersion,
  check,
  ...phases,
  purge,
  purge_images_table: purgeImagesTable,
}

/** Each as `db sync` and as `db_sync`. */
export const bothWays = (commands: Readonly<Record<string, Command>>): Record<string, Command> =>
  Object.fromEntries(
    Object.entries(commands).flatMap(([name, command]) => [
      [`db ${name}`, command],
      [`db_${name}`, command],
    ]),
  )

export const databaseCommands = bothWays(table)
