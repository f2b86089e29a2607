/** What keystone-manage's commands stand on: the configuration, the database, keys and the account that owns them. */
import { accountNumber } from '../../../platform/manage/accounts.ts'
import {
  CommandFailed,
  type CommandArguments,
  type CommandOption,
  type ManageEnv,
} from '../../../platform/manage/command.ts'
import type { Database } from '../../../platform/db/database.ts'
import type { IdentityDeps } from '../deps.ts'
import { openIdentity, openIdentityDatabase, readIdentityConfig } from '../open.ts'
import type { IdentityConfig } from '../config.ts'
import type { IdentitySchema } from '../store/tables.ts'
import type { KeyOwner } from '../tokens/key-repository.ts'

/** Works on a database as it is; nothing is migrated. */
export async function withDatabase<T>(
  env: ManageEnv,
  work: (database: Database<IdentitySchema>, config: IdentityConfig) => Promise<T>,
): Promise<T> {
  const config = readIdentityConfig(env)
  const database = openIdentityDatabase(env, config)
  try {
    return await work(database, config)
  } finally {
    await database.close()
  }
}

/** Works on a whole identity, its schema brought up to date; other processes hear of what changes. */
export async function withIdentity<T>(env: ManageEnv, work: (deps: IdentityDeps) => Promise<T>): Promise<T> {
  const { deps, feed } = await openIdentity({ ...env, baseUrl: '' })
  try {
    return await work(deps)
  } finally {
    await feed.stop()
    await deps.directories.close()
    await deps.database.close()
  }
}

/** Options of the commands that write keys. */
export const ownerOptions: Readonly<Record<string, CommandOption>> = {
  'keystone-user': { value: 'USER', help: 'who owns the keys (default: the caller)' },
  'keystone-group': { value: 'GROUP', help: 'group of the keys (default: the caller’s)' },
}

/** Whose keys are to be. Throws CommandFailed for an account that does not exist. */
export function ownerOf(args: CommandArguments, env: ManageEnv): KeyOwner | undefined {
  const uid = numberOf('passwd', args.text('keystone-user'), 'user', env)
  const gid = numberOf('group', args.text('keystone-group'), 'group', env)
  if (uid === undefined && gid === undefined) return undefined
  return { uid: uid ?? process.getuid!(), gid: gid ?? process.getgid!() }
}

function numberOf(kind: 'passwd' | 'group', name: string | undefined, what: string, env: ManageEnv) {
  if (name === undefined) return undefined
  const number = accountNumber(kind, name)
  if (number !== undefined) return number
  if (name !== 'keystone') throw new CommandFailed(`Unknown ${what} '${name}' in --keystone-${what}`)
  // The install guides name the account that keystone's package makes; this keystone runs as who started the cloud.
  env.warn(`there is no ${what} 'keystone' on this machine: the keys belong to who runs this command`)
  return undefined
}
