import { sql } from 'kysely'
import type { ImageDb } from './images.ts'

/** What a project uses: bytes (`size`, `stage`) and counts. */
export interface Usage {
  image_size_total: number
  image_stage_total: number
  image_count_total: number
  image_count_uploading: number
}

/** Bytes in stores count once a copy; what running uploads have announced counts too. */
export async function readUsage(db: ImageDb, projectId: string): Promise<Usage> {
  const { rows } = await sql<{ stored: number | null; staged: number | null; total: number; uploading: number | null }>`
    select
      sum(case when status in ('active', 'deactivated', 'importing') then coalesce(size, 0) *
        (select count(*) from locations where locations.image_id = images.id and locations.status = 'active')
        else 0 end) + sum(reserved) as stored,
      sum(coalesce(staged_size, 0)) as staged,
      count(*) as total,
      sum(case when status in ('saving', 'uploading', 'importing') or exists (select 1 from properties
        where properties.image_id = images.id and properties.name = 'os_glance_import_task') then 1 else 0 end) as uploading
    from images where owner = ${projectId} and status not in ('deleted', 'pending_delete', 'killed')`.execute(db)
  const row = rows[0]
  return {
    image_size_total: Number(row?.stored ?? 0),
    image_stage_total: Number(row?.staged ?? 0),
    image_count_total: Number(row?.total ?? 0),
    image_count_uploading: Number(row?.uploading ?? 0),
  }
}

/** Bytes that a project has in stores, for `user_storage_quota`. */
export async function readStoredBytes(db: ImageDb, projectId: string): Promise<number> {
  const { rows } = await sql<{ stored: number | null }>`
    select sum(coalesce(size, 0) * (select count(*) from locations
      where locations.image_id = images.id and locations.status = 'active') + reserved) as stored
    from images where owner = ${projectId} and status not in ('deleted', 'pending_delete', 'killed')`.execute(db)
  return Number(rows[0]?.stored ?? 0)
}
