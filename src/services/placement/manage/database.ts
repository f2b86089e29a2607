/** Commands for the schema of the database and for old data in it. */
import { CommandFailed, type Command, type CommandTable, type ManageEnv } from '../../../platform/manage/command.ts'
import { printVersion, syncSchema } from '../../../platform/manage/schema-commands.ts'
import { stamp as stampDatabase } from '../../../platform/db/migrate.ts'
import { createIncompleteConsumers, setRootProviders, type Upkeep } from '../operations/upkeep.ts'
import { migrations } from '../store/migrations.ts'
import { withDatabase } from './environment.ts'
import { drawTable } from './table.ts'

const newest = migrations.at(-1)!.name

const sync: Command = {
  summary: 'Brings the schema of the database up to date.',
  run: (_args, env) => withDatabase(env, (database) => syncSchema(database, migrations, env)),
}

const version: Command = {
  summary: 'Prints the version of the schema.',
  run: (_args, env) => withDatabase(env, (database) => printVersion(database, migrations, env)),
}

const stamp: Command = {
  summary: 'Records that the schema is that of VERSION (or head) without changing it.',
  positionals: 'VERSION',
  run: (args, env) =>
    withDatabase(env, async (database) => {
      const [wanted, ...more] = args.positionals
      if (wanted === undefined || more.length > 0) throw new CommandFailed('one version is to be named')
      await stampDatabase(database, migrations, wanted === 'head' ? newest : wanted).catch((cause: unknown) => {
        throw new CommandFailed((cause as Error).message, { cause })
      })
    }),
}

const steps: Readonly<Record<string, Upkeep>> = {
  set_root_provider_ids: setRootProviders,
  create_incomplete_consumers: createIncompleteConsumers,
}

const batchSize = 50

type Totals = Map<string, { found: number; done: number }>

const online: Command = {
  summary: 'Completes data that an older release left: roots of providers, records of consumers.',
  options: { 'max-count': { value: 'NUMBER', help: 'at most so many rows; without it, all of them' } },
  async run(args, env) {
    const given = args.text('max-count')
    const limit = given === undefined ? undefined : /^\d+$/.test(given) ? Number(given) : 0
    if (limit !== undefined && limit < 1) {
      env.print('Must supply a positive value for max_count')
      return 127
    }
    const totals: Totals = new Map(Object.keys(steps).map((name) => [name, { found: 0, done: 0 }]))
    if (limit === undefined) env.print(`Running batches of ${batchSize} until complete`)
    const { ran, failed } = await withDatabase(env, async (database, settings) => {
      const batch = (size: number) => runBatch(size, totals, env, (step, left) => step(database, settings, left))
      if (limit !== undefined) return batch(limit)
      for (;;) {
        const result = await batch(batchSize)
        if (result.ran === 0) return result
      }
    })
    const rows = [...totals].map(([name, { found, done }]) => [name, String(found), String(done)])
    env.print(drawTable(['Migration', 'Total Found', 'Completed'], rows, 'center'))
    if (failed && ran === 0) {
      env.print('Some migrations failed unexpectedly. Check log for details.')
      return 2
    }
    return ran > 0 ? 1 : 0
  },
}

/** One round over all steps, at most `size` rows in all. A step that fails does not keep the others from running. */
async function runBatch(
  size: number,
  totals: Totals,
  env: ManageEnv,
  run: (step: Upkeep, left: number) => ReturnType<Upkeep>,
): Promise<{ ran: number; failed: boolean }> {
  let [ran, failed] = [0, false]
  for (const [name, step] of Object.entries(steps)) {
    if (ran >= size) break
    try {
      const { found, done } = await run(step, size - ran)
      if (found > 0) env.print(`${found} rows matched query ${name}, ${done} migrated`)
      const total = totals.get(name)!
      totals.set(name, { found: total.found + found, done: total.done + done })
      ran += done
    } catch (error) {
      env.warn(`Error attempting to run ${name}: ${(error as Error).message}`)
      failed = true
    }
  }
  return { ran, failed }
}

export const placementManage: CommandTable = {
  'db sync': sync,
  'db version': version,
  'db stamp': stamp,
  'db online_data_migrations': online,
}
