import type { NetworkDb } from './tables.ts'

/** The ids that networks of a type have. */
export async function takenSegmentationIds(tx: NetworkDb, type: string): Promise<Set<number>> {
  const rows = await tx.selectFrom('networks').select('segmentation_id').where('network_type', '=', type).execute()
  return new Set(rows.map((row) => Number(row.segmentation_id)))
}
