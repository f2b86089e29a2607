/** Credentials with their blobs in the clear, as operations see them. */
import { createHash } from 'node:crypto'
import { lockOwner } from '../../../platform/db/owner-lock.ts'
import { Forbidden } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { IdentityConflict } from '../errors.ts'
import { findRow, insertRow, listRows, type Where, type Row } from '../store/rows.ts'

export interface Credential {
  id: string
  userId: string
  projectId: string | null
  type: string
  blob: string
  extra: string
}

/** What the blob of an EC2 credential holds. */
export interface Ec2Blob {
  access?: string
  secret?: string
  trust_id?: string | null
  app_cred_id?: string
  access_token_id?: string
  access_id?: string
}

/** An EC2 credential is found by its access key without keeping that in the clear. */
export const idOfAccessKey = (access: string): string => createHash('sha256').update(access).digest('hex')

const open = ({ vault }: IdentityDeps, row: Row<'credentials'>): Credential => ({
  id: row.id,
  userId: row.user_id,
  projectId: row.project_id,
  type: row.type,
  blob: vault.decrypt(row),
  extra: row.extra,
})

export async function findCredential(deps: IdentityDeps, id: string): Promise<Credential | undefined> {
  const row = await findRow(deps.database.db, 'credentials', { id })
  return row && open(deps, row)
}

export async function listCredentials(deps: IdentityDeps, conditions: Where<'credentials'>): Promise<Credential[]> {
  return (await listRows(deps.database.db, 'credentials', conditions)).map((row) => open(deps, row))
}

/** Throws Conflict where the access key is taken and Forbidden beyond `[credential] user_limit`. */
export async function insertCredential(deps: IdentityDeps, credential: Credential): Promise<void> {
  const { database, config, vault } = deps
  const { id, userId, projectId, type, blob, extra } = credential
  await database.transaction(async (tx) => {
    if (config.credentialLimit >= 0) {
      await lockOwner(database, tx, userId)
      const owned = await listRows(tx, 'credentials', { user_id: userId })
      if (owned.length >= config.credentialLimit)
        throw new Forbidden(
          `Unable to create additional credentials, maximum of ${config.credentialLimit} already exceeded for user.`,
        )
    }
    const row = { id, user_id: userId, project_id: projectId, type, extra, ...vault.encrypt(blob) }
    if (!(await insertRow(tx, 'credentials', row)))
      throw new IdentityConflict('credential', `Duplicate entry found with ID ${id}`)
  })
}
