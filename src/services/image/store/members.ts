/** Projects that an image is shared with. */
import { isDuplicate } from '../../../platform/db/database.ts'
import type { ImageDb, MemberRow } from './images.ts'

export const listMembers = (db: ImageDb, imageId: string): Promise<MemberRow[]> =>
  db.selectFrom('members').selectAll().where('image_id', '=', imageId).orderBy('created_at').execute()

export const findMember = (db: ImageDb, imageId: string, memberId: string): Promise<MemberRow | undefined> =>
  db
    .selectFrom('members')
    .selectAll()
    .where('image_id', '=', imageId)
    .where('member_id', '=', memberId)
    .executeTakeFirst()

/** False where it is a member already. */
export async function insertMember(db: ImageDb, row: MemberRow): Promise<boolean> {
  try {
    await db.insertInto('members').values(row).execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

export async function updateMember(
  db: ImageDb,
  { image_id, member_id }: Pick<MemberRow, 'image_id' | 'member_id'>,
  changes: Partial<MemberRow>,
): Promise<void> {
  await db
    .updateTable('members')
    .set(changes)
    .where('image_id', '=', image_id)
    .where('member_id', '=', member_id)
    .execute()
}

/** False where it was no member. */
export async function deleteMember(db: ImageDb, imageId: string, memberId: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('members')
    .where('image_id', '=', imageId)
    .where('member_id', '=', memberId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
