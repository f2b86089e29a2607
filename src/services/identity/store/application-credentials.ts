/** Application credentials, with those that were made by them and their access rules. */
import { deleteRows, listRows, type IdentityDb, type Row, type Where } from './rows.ts'

type RuleOfCredential = Pick<Row<'access_rules'>, 'id' | 'service' | 'method' | 'path'>

/** The access rules of application credentials in their order, by credential; those without any are not among them. */
export async function accessRulesOfEach(
  db: IdentityDb,
  credentialIds: readonly string[],
): Promise<Map<string, RuleOfCredential[]>> {
  const found = new Map<string, RuleOfCredential[]>()
  if (credentialIds.length === 0) return found
  const links = await db
    .selectFrom('application_credential_access_rules')
    .innerJoin('access_rules', 'access_rules.id', 'access_rule_id')
    .select(['application_credential_id', 'access_rules.id', 'service', 'method', 'path'])
    .where('application_credential_id', 'in', [...credentialIds])
    .orderBy('application_credential_access_rules.position')
    .orderBy('access_rules.id')
    .execute()
  for (const { application_credential_id: id, ...rule } of links) found.set(id, [...(found.get(id) ?? []), rule])
  return found
}

export async function countApplicationCredentials(db: IdentityDb, userId: string): Promise<number> {
  const { count } = await db
    .selectFrom('application_credentials')
    .select((each) => each.fn.countAll<number>().as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** The place of a user's next access rule: behind his last one. */
export async function nextAccessRulePosition(db: IdentityDb, userId: string): Promise<number> {
  const { last } = await db
    .selectFrom('access_rules')
    .select((row) => row.fn.max('position').as('last'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  return Number(last ?? 0) + 1
}

/** Deletes application credentials of users or projects, with all that hangs on them. */
export async function deleteApplicationCredentialsOf(
  tx: IdentityDb,
  owners: Pick<Where<'application_credentials'>, 'user_id' | 'project_id'>,
): Promise<void> {
  await deleteApplicationCredentials(tx, await idsOf(tx, owners))
}

/** Deletes application credentials, with those that were made by them and all their access rule links. */
export async function deleteApplicationCredentials(tx: IdentityDb, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await deleteApplicationCredentials(tx, await idsOf(tx, { parent_id: ids }))
  await deleteRows(tx, 'application_credential_access_rules', { application_credential_id: ids })
  await deleteRows(tx, 'application_credentials', { id: ids })
}

const idsOf = async (tx: IdentityDb, where: Where<'application_credentials'>): Promise<string[]> =>
  (await listRows(tx, 'application_credentials', where)).map((row) => row.id)
