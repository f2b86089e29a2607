/** Commands for the key repositories of tokens, receipts and credentials. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CommandFailed, type Command, type CommandTable } from '../../../platform/manage/command.ts'
import { CredentialVault } from '../credentials/vault.ts'
import { keyFolders, readIdentityConfig } from '../open.ts'
import { countStaleCredentials, reencrypt, staleCredentials } from '../store/credentials.ts'
import { readKeys, rotateKeys, setUpKeys, writeKeyPair } from '../tokens/key-repository.ts'
import { ownerOf, ownerOptions, withDatabase } from './environment.ts'

type Kind = 'fernet' | 'receipts'

/** keystone keeps this many keys of credentials, whatever is configured: all but the last two must be unused. */
const credentialKeysKept = 3

const setUp = (kinds: readonly Kind[], summary: string): Command => ({
  summary,
  options: ownerOptions,
  async run(args, env) {
    const folders = keyFolders(readIdentityConfig(env), env.stateDir)
    const owner = ownerOf(args, env)
    for (const folder of new Set(kinds.map((kind) => folders[kind]))) {
      const made = setUpKeys(folder, owner)
      if (!made) readKeys(folder)
      env.print(made ? `made the keys in ${folder}` : `${folder} has keys already; nothing was changed`)
    }
  },
})

const rotate = (kinds: readonly Kind[], summary: string): Command => ({
  summary,
  options: ownerOptions,
  async run(args, env) {
    const config = readIdentityConfig(env)
    const folders = keyFolders(config, env.stateDir)
    const owner = ownerOf(args, env)
    const kept = { fernet: config.maxActiveKeys, receipts: config.receiptMaxActiveKeys }
    const done = new Set<string>()
    for (const kind of kinds) {
      const folder = folders[kind]
      if (done.has(folder)) continue
      done.add(folder)
      rotateKeys(folder, kept[kind], owner)
      env.print(`rotated the keys in ${folder}`)
    }
  },
})

const createPair: Command = {
  summary: 'Makes private.pem and public.pem for JWS tokens in the current folder.',
  options: { ...ownerOptions, force: { help: 'replace files that are there' } },
  async run(args, env) {
    for (const name of ['private', 'public'] as const) {
      const file = resolve(`${name}.pem`)
      if (existsSync(file) && !args.has('force'))
        throw new CommandFailed(`${name === 'private' ? 'Private' : 'Public'} key ${file} already exists`)
    }
    writeKeyPair('.', '.', ownerOf(args, env))
    env.print(`made ${join(process.cwd(), 'private.pem')} and public.pem`)
  },
}

const credentialSetup: Command = {
  summary: 'Makes the keys that credentials are encrypted with, unless there are some.',
  options: ownerOptions,
  async run(args, env) {
    const folder = keyFolders(readIdentityConfig(env), env.stateDir).credentials
    const made = setUpKeys(folder, ownerOf(args, env))
    if (!made) readKeys(folder)
    env.print(made ? `made the keys in ${folder}` : `${folder} has keys already; nothing was changed`)
  },
}

const credentialRotate: Command = {
  summary: 'Makes a new key for credentials; every credential must be encrypted with the newest one before.',
  options: ownerOptions,
  run: (args, env) =>
    withDatabase(env, async ({ db }, config) => {
      const folder = keyFolders(config, env.stateDir).credentials
      const { keyHash } = new CredentialVault(folder)
      if ((await countStaleCredentials(db, keyHash)) > 0)
        throw new CommandFailed(
          'Unable to rotate credential keys because not all credentials are encrypted with the primary key. ' +
            'Please make sure all credentials have been encrypted with the primary key using ' +
            '`keystone-manage credential_migrate`.',
        )
      rotateKeys(folder, credentialKeysKept, ownerOf(args, env))
      env.print(`rotated the keys in ${folder}; go on with keystone-manage credential_migrate`)
    }),
}

const credentialMigrate: Command = {
  summary: 'Encrypts every credential with the newest key.',
  options: ownerOptions,
  run: (_args, env) =>
    withDatabase(env, async ({ db }, config) => {
      const vault = new CredentialVault(keyFolders(config, env.stateDir).credentials)
      let count = 0
      for (const row of await staleCredentials(db, vault.keyHash))
        if (await reencrypt(db, row, vault.encrypt(vault.decrypt(row)))) count++
      env.print(`encrypted ${count} credentials anew`)
    }),
}

export const keyCommands: CommandTable = {
  fernet_setup: setUp(['fernet', 'receipts'], 'Makes the keys of fernet tokens and receipts, unless there are some.'),
  fernet_rotate: rotate(['fernet', 'receipts'], 'Makes new keys for tokens and receipts; the oldest end.'),
  token_setup: setUp(['fernet'], 'Makes the keys of fernet tokens, unless there are some.'),
  token_rotate: rotate(['fernet'], 'Makes a new key for tokens; the oldest ends.'),
  receipt_setup: setUp(['receipts'], 'Makes the keys of authentication receipts, unless there are some.'),
  receipt_rotate: rotate(['receipts'], 'Makes a new key for receipts; the oldest ends.'),
  create_jws_keypair: createPair,
  credential_setup: credentialSetup,
  credential_rotate: credentialRotate,
  credential_migrate: credentialMigrate,
}
