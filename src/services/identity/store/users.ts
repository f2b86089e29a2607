/** What logins leave on users. */
import type { IdentityDb, Row } from './rows.ts'

/** Counts a failed login: one more, or the first after a lock that is over. */
export async function noteFailedLogin(db: IdentityDb, userId: string, at: number, isFirst: boolean): Promise<void> {
  await db
    .updateTable('users')
    .set((row) => ({ failed_auth_count: isFirst ? 1 : row('failed_auth_count', '+', 1), failed_auth_at: at }))
    .where('id', '=', userId)
    .execute()
}

/** Counts users who never logged in as active at a time; how many there were. */
export async function activateNeverActive(db: IdentityDb, at: number): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('users')
    .set({ last_active_at: at })
    .where('last_active_at', 'is', null)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

/** Users whose default project is one of these have none any more. */
export async function clearDefaultProjects(tx: IdentityDb, projectIds: readonly string[]): Promise<void> {
  await tx
    .updateTable('users')
    .set({ default_project_id: null })
    .where('default_project_id', 'in', [...projectIds])
    .execute()
}

/** Earlier passwords of a user, the newest first. */
export const earlierPasswords = (db: IdentityDb, userId: string): Promise<Row<'password_history'>[]> =>
  db.selectFrom('password_history').selectAll().where('user_id', '=', userId).orderBy('created_at', 'desc').execute()

/** Forgets the passwords of a user that are older than one of them. */
export async function forgetPasswordsBefore(
  tx: IdentityDb,
  { user_id, created_at }: Pick<Row<'password_history'>, 'user_id' | 'created_at'>,
): Promise<void> {
  await tx.deleteFrom('password_history').where('user_id', '=', user_id).where('created_at', '<', created_at).execute()
}
