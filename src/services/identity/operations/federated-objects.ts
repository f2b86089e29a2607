/** `federated` of a user: how identity providers know him, so that their logins are his. */
import { Invalid } from '../../../platform/errors.ts'
import { ActionForbidden, IdentityConflict } from '../errors.ts'
import { federatedUsersOf } from '../store/federated-users.ts'
import { deleteRows, findRow, insertRow, type IdentityDb } from '../store/rows.ts'

export interface FederatedObject {
  idp_id: string
  protocols: { protocol_id: string; unique_id: string }[]
}

export async function federatedObjectsOf(db: IdentityDb, userId: string): Promise<FederatedObject[]> {
  const rows = await federatedUsersOf(db, userId)
  return [...Map.groupBy(rows, (row) => row.idp_id)].map(([idp_id, own]) => ({
    idp_id,
    protocols: own.map(({ protocol_id, unique_id }) => ({ protocol_id, unique_id })),
  }))
}

/**
 * Throws Forbidden where a user would get the logins of an identity provider of another domain, unless they are his
 * already: its people would be logged in as a user whom they know nothing of.
 */
export async function requireOwnProviders(
  db: IdentityDb,
  user: { id: string; domain_id: string },
  objects: readonly FederatedObject[],
): Promise<void> {
  const before = new Set((await federatedUsersOf(db, user.id)).map((row) => row.idp_id))
  for (const { idp_id } of objects) {
    const provider = before.has(idp_id) ? undefined : await findRow(db, 'identity_providers', { id: idp_id })
    if (provider && provider.domain_id !== user.domain_id)
      throw new ActionForbidden(`the identity provider ${idp_id} is not of the user's domain`)
  }
}

/** Replaces them. Throws Invalid for a provider or protocol that does not exist, IdentityConflict for another's id. */
export async function setFederatedObjects(
  tx: IdentityDb,
  user: { id: string; name: string },
  objects: readonly FederatedObject[],
): Promise<void> {
  await deleteRows(tx, 'federated_users', { user_id: user.id })
  for (const { idp_id, protocols } of objects) {
    if (!(await findRow(tx, 'identity_providers', { id: idp_id })))
      throw new Invalid(`Could not find Identity Provider: ${idp_id}`)
    for (const { protocol_id, unique_id } of protocols) {
      if (!(await findRow(tx, 'federation_protocols', { idp_id, id: protocol_id })))
        throw new Invalid(`Could not find federated protocol ${protocol_id} for Identity Provider: ${idp_id}.`)
      const row = { user_id: user.id, idp_id, protocol_id, unique_id, display_name: user.name, is_shadow: 0 }
      if (!(await insertRow(tx, 'federated_users', row)))
        throw new IdentityConflict('federated_user', `Duplicate entry found with unique ID ${unique_id}`)
    }
  }
}
