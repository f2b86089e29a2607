/** `doctor`: looks for what commonly goes wrong, and says what to do. */
import { readdirSync, statSync } from 'node:fs'
import { pendingMigrations } from '../../../platform/db/migrate.ts'
import type { Database } from '../../../platform/db/database.ts'
import type { Command, CommandTable, ManageEnv } from '../../../platform/manage/command.ts'
import { CredentialVault } from '../credentials/vault.ts'
import { keyFolders, migrations } from '../open.ts'
import type { IdentityConfig } from '../config.ts'
import { countStaleCredentials } from '../store/credentials.ts'
import { describeKept, keptNames } from '../store/names.ts'
import type { IdentitySchema } from '../store/tables.ts'
import { readKeys } from '../tokens/key-repository.ts'
import { withDatabase } from './environment.ts'

interface Patient {
  config: IdentityConfig
  folders: ReturnType<typeof keyFolders>
  database: Database<IdentitySchema>
}

/** What is wrong and what to do, a sentence each; empty when all is well. */
type Check = (patient: Patient) => Promise<string[]> | string[]

const schema: Check = async ({ database }) => {
  const pending = await pendingMigrations(database, migrations)
  return pending.length === 0 ? [] : ['The schema of the database is behind: run keystone-manage db_sync.']
}

const repositories: Check = ({ config, folders }) => {
  const used = { receipts: 'receipt_setup', credentials: 'credential_setup' } as const
  const all = config.provider === 'fernet' ? ({ fernet: 'fernet_setup', ...used } as const) : used
  return Object.entries(all).flatMap(([name, command]) =>
    lookAt(folders[name as keyof typeof folders], `keystone-manage ${command}`),
  )
}

function lookAt(folder: string, remedy: string): string[] {
  try {
    readKeys(folder)
  } catch (error) {
    return [`${(error as Error).message} (${remedy} makes new ones).`]
  }
  return [folder, ...readdirSync(folder).map((name) => `${folder}/${name}`)]
    .filter((path) => (statSync(path).mode & 0o007) !== 0)
    .map((path) => `Everybody on this machine may use ${path}: take the right away with chmod o= ${path}.`)
}

const sharedRepositories: Check = ({ folders }) =>
  folders.credentials === folders.fernet
    ? ['[credential] and [fernet_tokens] key_repository are the same folder: rotating tokens would lose credentials.']
    : []

const shortRotation: Check = ({ config }) =>
  config.provider === 'fernet' && config.maxActiveKeys < 3
    ? ['[fernet_tokens] max_active_keys is below 3: a rotation ends tokens that are still valid.']
    : []

const tokenSize: Check = ({ config }) =>
  config.provider === 'fernet' && config.maxTokenSize < 255
    ? ['[DEFAULT] max_token_size is below 255: longer fernet tokens cannot be issued.']
    : []

const passwordRules: Check = ({ config }) => [
  ...(config.passwordRegex !== '' && config.passwordRegexDescription === ''
    ? ['[security_compliance] password_regex has no password_regex_description: users cannot know what it asks for.']
    : []),
  ...(config.passwordExpiresDays > 0 && config.minimumPasswordAge >= config.passwordExpiresDays
    ? ['[security_compliance] minimum_password_age is not below password_expires_days: passwords expire unchanged.']
    : []),
]

const staleCredentials: Check = async ({ database, folders }) => {
  if ((await pendingMigrations(database, migrations)).length > 0) return []
  const { keyHash } = new CredentialVault(folders.credentials)
  const stale = await countStaleCredentials(database.db, keyHash)
  return stale === 0
    ? []
    : [`${stale} credentials are encrypted with an older key: run keystone-manage credential_migrate.`]
}

const names: Check = async ({ database }) =>
  (await pendingMigrations(database, migrations)).length > 0
    ? []
    : (await keptNames(database.db)).map((kept) => `${describeKept(kept)}.`)

const checks: readonly Check[] = [
  schema,
  repositories,
  sharedRepositories,
  shortRotation,
  tokenSize,
  passwordRules,
  staleCredentials,
  names,
]

async function findings(patient: Patient): Promise<string[]> {
  const all: string[] = []
  for (const check of checks) {
    try {
      all.push(...(await check(patient)))
    } catch (error) {
      all.push(error instanceof Error ? error.message : String(error))
    }
  }
  return [...new Set(all)]
}

const doctor: Command = {
  summary: 'Looks for common problems; exit status 1 when there are any.',
  run: (_args, env: ManageEnv) =>
    withDatabase(env, async (database, config) => {
      const found = await findings({ config, folders: keyFolders(config, env.stateDir), database })
      for (const finding of found) env.print(`WARNING: ${finding}`)
      if (found.length === 0) env.print('all is well')
      return found.length === 0 ? 0 : 1
    }),
}

export const doctorCommands: CommandTable = { doctor }
