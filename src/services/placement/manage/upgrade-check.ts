/** placement-status upgrade check: whether this release can work with what is there. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command, CommandTable, ManageEnv } from '../../../platform/manage/command.ts'
import type { Database } from '../../../platform/db/database.ts'
import { pendingMigrations } from '../../../platform/db/migrate.ts'
import { migrations } from '../store/migrations.ts'
import type { PlacementSchema } from '../store/tables.ts'
import { countIncompleteConsumers, countRootless } from '../store/upkeep.ts'
import { withDatabase } from './environment.ts'
import { drawTable } from './table.ts'

interface Verdict {
  /** Also the exit status. */
  code: 0 | 1 | 2
  details?: string
}

type Check = (database: Database<PlacementSchema>, env: ManageEnv) => Promise<Verdict>

const codes = ['Success', 'Warning', 'Failure'] as const
const ok: Verdict = { code: 0 }
const isBehind = async (database: Database<PlacementSchema>) =>
  (await pendingMigrations(database, migrations)).length > 0

const checks: Readonly<Record<string, Check>> = {
  'Database Schema': async (database) =>
    (await isBehind(database))
      ? { code: 2, details: 'The schema is behind. Run the "placement-manage db sync" command.' }
      : ok,
  'Missing Root Provider IDs': async (database) => {
    if ((await isBehind(database)) || (await countRootless(database.db)) === 0) return ok
    return {
      code: 2,
      details:
        'There is at least one resource provider table record which misses its root provider id. Run the "placement-manage db online_data_migrations" command.',
    }
  },
  'Incomplete Consumers': async (database) => {
    const count = (await isBehind(database)) ? 0 : await countIncompleteConsumers(database.db)
    if (count === 0) return ok
    return {
      code: 1,
      details: `There are ${count} incomplete consumers table records for existing allocations. Run the "placement-manage db online_data_migrations" command.`,
    }
  },
  'Policy File JSON to YAML Migration': async (_database, env) => {
    const found = env.configFiles.map((file) => join(dirname(file), 'policy.json')).find((file) => existsSync(file))
    if (found === undefined) return ok
    return {
      code: 2,
      details: `${found} is read only where there is no policy.yaml: convert it with oslopolicy-convert-json-to-yaml.`,
    }
  },
}

const check: Command = {
  summary: 'Looks whether this release can be started; exit status 1 for a warning, 2 when it cannot.',
  options: { json: { help: 'print the results as JSON' } },
  run: (args, env) =>
    withDatabase(env, async (database) => {
      const results: [name: string, verdict: Verdict][] = []
      for (const [name, look] of Object.entries(checks)) results.push([name, await look(database, env)])
      env.print(args.has('json') ? asJson(results) : asTable(results))
      return Math.max(...results.map(([, { code }]) => code))
    }),
}

const title = 'Upgrade Check Results'

const asJson = (results: readonly (readonly [string, Verdict])[]): string =>
  JSON.stringify({
    name: title,
    checks: results.map(([name, { code, details = null }]) => ({ check: name, result: code, details })),
  })

function asTable(results: readonly (readonly [string, Verdict])[]): string {
  const rows = results.map(([name, { code, details = 'None' }]) => [
    `Check: ${name}`,
    `Result: ${codes[code]}`,
    ...wrap(`Details: ${details}`),
  ])
  const width = Math.max(...rows.flat().map((line) => line.length))
  const [rule, head] = drawTable([title.padEnd(width)], [], 'left').split('\n') as [string, string]
  const blocks = rows.map((lines) => [...lines.map((line) => `| ${line.padEnd(width)} |`), rule])
  return [rule, head, rule, ...blocks.flat()].join('\n')
}

/** Lines of at most 60 characters, the later ones indented. */
function wrap(text: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && `${line} ${word}`.length > 60) {
      lines.push(line)
      line = ` ${word}`
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

export const placementStatus: CommandTable = { 'upgrade check': check }
