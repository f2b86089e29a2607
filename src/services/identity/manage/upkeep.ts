/** `trust_flush` and `reset_last_active`. */
import { createInterface } from 'node:readline/promises'
import { CommandFailed, type Command, type CommandTable } from '../../../platform/manage/command.ts'
import { flushTrusts } from '../store/trusts.ts'
import { activateNeverActive } from '../store/users.ts'
import { withIdentity } from './environment.ts'

const trustFlush: Command = {
  summary: 'Deletes the trusts that have expired or were deleted, for good.',
  options: {
    'project-id': { value: 'ID', help: 'only those on this project' },
    'trustor-user-id': { value: 'ID', help: 'only those of this trustor' },
    'trustee-user-id': { value: 'ID', help: 'only those for this trustee' },
    date: { value: 'DD-MM-YYYY', help: 'only those that ended before this day (default: now)' },
  },
  run: (args, env) =>
    withIdentity(env, async ({ database: { db } }) => {
      const before = args.text('date') === undefined ? Date.now() : dayOf(args.text('date')!)
      const columns = ['project_id', 'trustor_user_id', 'trustee_user_id'] as const
      const named = columns.flatMap((column) => {
        const id = args.text(column.replaceAll('_', '-'))
        return id === undefined ? [] : [[column, id] as const]
      })
      const count = await flushTrusts(db, before, Object.fromEntries(named))
      env.print(`deleted ${count} trusts`)
    }),
}

/** Midnight of a day in UTC, in milliseconds. Throws CommandFailed. */
function dayOf(text: string): number {
  const [, day, month, year] = /^(\d{2})-(\d{2})-(\d{4})$/.exec(text) ?? []
  const time = Date.parse(`${year}-${month}-${day}T00:00:00Z`)
  if (Number.isNaN(time)) throw new CommandFailed(`--date ${text}: invalid input for date, should be DD-MM-YYYY`)
  return time
}

const resetLastActive: Command = {
  summary: 'Counts users who never logged in as active now, so that their inactivity begins today.',
  options: { force: { help: 'do not ask' } },
  run: (args, env) =>
    withIdentity(env, async (deps) => {
      if (!args.has('force') && !(await isSure())) throw new CommandFailed('reset_last_active aborted.')
      const count = await activateNeverActive(deps.database.db, Date.now())
      deps.changed()
      env.print(`${count} users count as active now`)
    }),
}

async function isSure(): Promise<boolean> {
  const input = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await input.question('Every user who has never logged in will count as active today. Go on [y/N]? ')
  input.close()
  return /^y(es)?$/i.test(answer.trim())
}

export const upkeepCommands: CommandTable = { trust_flush: trustFlush, reset_last_active: resetLastActive }
