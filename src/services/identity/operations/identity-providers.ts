import { Conflict } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../errors.ts'
import {
  findIdentityProvider,
  findTakenRemoteId,
  removeIdentityProvider,
  replaceRemoteIds,
  type IdentityProvider,
} from '../store/federation.ts'
import { findRow, insertRow, updateRow, type IdentityDb } from '../store/rows.ts'
import { createDomain } from './create-domain.ts'
import { deleteUsers } from './delete.ts'

export interface NewIdentityProvider {
  enabled: boolean
  description: string | null
  domainId: string | null
  authorizationTtl: number | null
  remoteIds: readonly string[]
}

/** Throws IdentityNotFound. */
export async function requireIdentityProvider({ database }: Pick<IdentityDeps, 'database'>, id: string) {
  const found = await findIdentityProvider(database.db, id)
  if (!found) throw new IdentityNotFound('Identity Provider', id)
  return found
}

/** Creates an identity provider and, where none is named, the domain that its users will live in. */
export async function createIdentityProvider(
  { database }: Pick<IdentityDeps, 'database'>,
  id: string,
  input: NewIdentityProvider,
): Promise<IdentityProvider> {
  return database.transaction(async (tx) => {
    if (await findRow(tx, 'identity_providers', { id })) {
      throw new IdentityConflict('identity_provider', `Duplicate entry: ${id}`)
    }
    await requireFree(tx, id, input.remoteIds)
    const domainId = input.domainId ?? (await createDomainFor(tx, id))
    if (!(await findRow(tx, 'projects', { id: domainId, is_domain: 1 }))) throw new IdentityNotFound('domain', domainId)
    const row = {
      id,
      enabled: input.enabled ? 1 : 0,
      description: input.description,
      domain_id: domainId,
      authorization_ttl: input.authorizationTtl,
    }
    await insertRow(tx, 'identity_providers', row)
    await replaceRemoteIds(tx, id, input.remoteIds)
    return { ...row, remoteIds: input.remoteIds }
  })
}

export type IdentityProviderChanges = Partial<Omit<NewIdentityProvider, 'domainId'>>

export async function updateIdentityProvider(
  { database }: Pick<IdentityDeps, 'database'>,
  before: IdentityProvider,
  changes: IdentityProviderChanges,
): Promise<IdentityProvider> {
  await database.transaction(async (tx) => {
    if (changes.remoteIds) {
      await requireFree(tx, before.id, changes.remoteIds)
      await replaceRemoteIds(tx, before.id, changes.remoteIds)
    }
    await updateRow(tx, 'identity_providers', before.id, {
      ...(changes.enabled !== undefined && { enabled: changes.enabled ? 1 : 0 }),
      ...(changes.description !== undefined && { description: changes.description }),
      ...(changes.authorizationTtl !== undefined && { authorization_ttl: changes.authorizationTtl }),
    })
  })
  return requireIdentityProvider({ database }, before.id)
}

/** Removes an identity provider, what hangs on it and the users that only it has vouched for; its domain stays. */
export const deleteIdentityProvider = ({ database }: Pick<IdentityDeps, 'database'>, id: string): Promise<void> =>
  database.transaction(async (tx) => deleteUsers(tx, await removeIdentityProvider(tx, id)))

async function requireFree(tx: IdentityDb, id: string, remoteIds: readonly string[]) {
  const taken = await findTakenRemoteId(tx, id, remoteIds)
  if (taken !== undefined) throw new IdentityConflict('identity_provider', `Duplicate remote ID: ${taken}`)
}

async function createDomainFor(tx: IdentityDb, idpId: string): Promise<string> {
  const id = crypto.randomUUID().replaceAll('-', '')
  const description = `Auto generated federated domain for Identity Provider: ${idpId}`
  if (!(await createDomain(tx, { id, name: id, description }))) throw new Conflict('The domain exists already.')
  return id
}
