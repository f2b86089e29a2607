/** Commands for the schema of the database. */
import { CommandFailed, type Command, type CommandTable } from '../../../platform/manage/command.ts'
import { printVersion, syncSchema } from '../../../platform/manage/schema-commands.ts'
import { pendingMigrations } from '../../../platform/db/migrate.ts'
import { migrations } from '../open.ts'
import { withDatabase } from './environment.ts'

const newest = migrations.at(-1)!.name

const sync: Command = {
  summary: 'Brings the schema of the database up to date.',
  positionals: '[VERSION]',
  options: {
    check: { help: 'only look: exit status 0 when there is nothing to do, 2 when there is' },
    expand: { help: 'change the schema; versions before and after it can both work with it' },
    migrate: { help: 'bring the data along (--expand has done so already)' },
    contract: { help: 'drop what the newest version needs no more (so far nothing)' },
  },
  run: (args, env) =>
    withDatabase(env, async (database) => {
      const phases = ['check', 'expand', 'migrate', 'contract'].filter((name) => args.has(name))
      if (phases.length > 1) throw new CommandFailed(`--${phases.join(' and --')} exclude each other`)
      const [version] = args.positionals
      if (version !== undefined && version !== newest)
        throw new CommandFailed(`there is no version '${version}' to go to: the newest is ${newest}`)
      const pending = await pendingMigrations(database, migrations)
      if (args.has('check')) {
        env.print(pending.length === 0 ? `up to date: ${newest}` : `to be done: ${pending.join(', ')}`)
        return pending.length === 0 ? 0 : 2
      }
      if ((args.has('migrate') || args.has('contract')) && pending.length > 0)
        throw new CommandFailed('the schema is behind: run keystone-manage db_sync --expand first')
      await syncSchema(database, migrations, env)
    }),
}

const version: Command = {
  summary: 'Prints the version of the schema.',
  run: (_args, env) => withDatabase(env, (database) => printVersion(database, migrations, env)),
}

export const databaseCommands: CommandTable = { db_sync: sync, db_version: version }
