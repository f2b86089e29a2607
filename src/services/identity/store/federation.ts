import { listRows, type IdentityDb, type Row } from './rows.ts'

/** An identity provider with the names under which it is known in assertions. */
export type IdentityProvider = Row<'identity_providers'> & { remoteIds: readonly string[] }
export type Protocol = Row<'federation_protocols'>

export interface IdpFilter {
  id?: string
  enabled?: boolean
  domainId?: string
}

export async function listIdentityProviders(db: IdentityDb, filter: IdpFilter = {}): Promise<IdentityProvider[]> {
  let query = db.selectFrom('identity_providers').selectAll().orderBy('id')
  if (filter.id !== undefined) query = query.where('id', '=', filter.id)
  if (filter.enabled !== undefined) query = query.where('enabled', '=', filter.enabled ? 1 : 0)
  if (filter.domainId !== undefined) query = query.where('domain_id', '=', filter.domainId)
  const rows = await query.execute()
  if (rows.length === 0) return []
  const remote = await db
    .selectFrom('idp_remote_ids')
    .selectAll()
    .where(
      'idp_id',
      'in',
      rows.map((row) => row.id),
    )
    .orderBy('remote_id')
    .execute()
  const byIdp = Map.groupBy(remote, (row) => row.idp_id)
  return rows.map((row) => ({ ...row, remoteIds: (byIdp.get(row.id) ?? []).map((each) => each.remote_id) }))
}

export const findIdentityProvider = async (db: IdentityDb, id: string): Promise<IdentityProvider | undefined> =>
  (await listIdentityProviders(db, { id }))[0]

/** The first of `remoteIds` that another identity provider has; undefined when all are free. */
export async function findTakenRemoteId(
  db: IdentityDb,
  idpId: string,
  remoteIds: readonly string[],
): Promise<string | undefined> {
  if (remoteIds.length === 0) return undefined
  const row = await db
    .selectFrom('idp_remote_ids')
    .select('remote_id')
    .where('remote_id', 'in', [...remoteIds])
    .where('idp_id', '!=', idpId)
    .limit(1)
    .executeTakeFirst()
  return row?.remote_id
}

export async function replaceRemoteIds(tx: IdentityDb, idpId: string, remoteIds: readonly string[]): Promise<void> {
  await tx.deleteFrom('idp_remote_ids').where('idp_id', '=', idpId).execute()
  if (remoteIds.length === 0) return
  await tx
    .insertInto('idp_remote_ids')
    .values(remoteIds.map((remote_id) => ({ remote_id, idp_id: idpId })))
    .execute()
}

export const findIdpIdByRemoteId = async (db: IdentityDb, remoteId: string): Promise<string | undefined> =>
  (await db.selectFrom('idp_remote_ids').select('idp_id').where('remote_id', '=', remoteId).executeTakeFirst())?.idp_id

export const listProtocols = (db: IdentityDb, idpId: string): Promise<Protocol[]> =>
  listRows(db, 'federation_protocols', { idp_id: idpId })

/** The protocols of that name, whichever identity provider they are of. */
export async function changeProtocol(
  db: IdentityDb,
  { idp_id, id }: Pick<Protocol, 'idp_id' | 'id'>,
  changes: Partial<Protocol>,
): Promise<void> {
  await db.updateTable('federation_protocols').set(changes).where('idp_id', '=', idp_id).where('id', '=', id).execute()
}

export const listProtocolsNamed = (db: IdentityDb, id: string): Promise<Protocol[]> =>
  db.selectFrom('federation_protocols').selectAll().where('id', '=', id).orderBy('idp_id').execute()

/** `{id, auth_url, sp_url}` of every enabled service provider: they stand in every token. */
export const listEnabledServiceProviders = (db: IdentityDb) =>
  db
    .selectFrom('service_providers')
    .select(['id', 'auth_url', 'sp_url'])
    .where('enabled', '=', 1)
    .orderBy('id')
    .execute()

/**
 * Forgets who was vouched for by an identity provider, or by one of its protocols. Users whom a login made go with
 * it unless somebody else vouches for them; returns their ids, for the caller to delete.
 */
export async function forgetFederatedUsers(tx: IdentityDb, idpId: string, protocolId?: string): Promise<string[]> {
  let query = tx.selectFrom('federated_users').select(['user_id', 'is_shadow']).where('idp_id', '=', idpId)
  if (protocolId !== undefined) query = query.where('protocol_id', '=', protocolId)
  const rows = await query.execute()
  let removal = tx.deleteFrom('federated_users').where('idp_id', '=', idpId)
  if (protocolId !== undefined) removal = removal.where('protocol_id', '=', protocolId)
  await removal.execute()
  const shadows = [...new Set(rows.filter((row) => row.is_shadow === 1).map((row) => row.user_id))]
  if (shadows.length === 0) return []
  const kept = await tx.selectFrom('federated_users').select('user_id').where('user_id', 'in', shadows).execute()
  return shadows.filter((id) => kept.every((row) => row.user_id !== id))
}

/** Removes an identity provider and what hangs on it; the ids of the users whom only it has vouched for. */
export async function removeIdentityProvider(tx: IdentityDb, id: string): Promise<string[]> {
  await tx.deleteFrom('federation_protocols').where('idp_id', '=', id).execute()
  await tx.deleteFrom('idp_remote_ids').where('idp_id', '=', id).execute()
  await tx.deleteFrom('expiring_memberships').where('idp_id', '=', id).execute()
  await tx.deleteFrom('identity_providers').where('id', '=', id).execute()
  return forgetFederatedUsers(tx, id)
}
