/** What belongs to the inside of guests: fixed parts of config drives, and passwords that guests set. */
import type { Database, Db } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import type { VendorData } from '../model/vendor-data.ts'
import type { ComputeSchema } from './tables.ts'

/** What must not change with every look at a config drive, else it would be another drive each time. */
export interface ConfigDriveSeed {
  randomSeed: string
  vendorData: VendorData
}

export async function listConfigDriveSeeds(
  db: Db<ComputeSchema>,
  ids: readonly string[],
): Promise<Map<string, ConfigDriveSeed>> {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('config_drives').selectAll().where('server_id', 'in', ids).execute()
  return new Map(
    rows.map((row) => [
      row.server_id,
      { randomSeed: row.random_seed, vendorData: JSON.parse(row.vendor_data_json) as VendorData },
    ]),
  )
}

export async function saveConfigDriveSeed(
  { db, engine }: Database<ComputeSchema>,
  serverId: string,
  { randomSeed, vendorData }: ConfigDriveSeed,
): Promise<void> {
  const row = { server_id: serverId, random_seed: randomSeed, vendor_data_json: JSON.stringify(vendorData) }
  await upsert(db, engine, 'config_drives', ['server_id'], row)
}

/** What the guest told, encrypted with the server's key by habit; null when it told nothing. */
export async function findPassword(db: Db<ComputeSchema>, serverId: string): Promise<string | null> {
  const row = await db
    .selectFrom('server_passwords')
    .select('password')
    .where('server_id', '=', serverId)
    .executeTakeFirst()
  return row?.password ?? null
}

/** False when there is one already, whoever was faster. */
export async function insertPassword(
  { db, engine }: Database<ComputeSchema>,
  serverId: string,
  password: string,
): Promise<boolean> {
  const insert = db.insertInto('server_passwords').values({ server_id: serverId, password })
  const once = engine === 'mysql' ? insert.ignore() : insert.onConflict((conflict) => conflict.doNothing())
  return Number((await once.executeTakeFirst()).numInsertedOrUpdatedRows) > 0
}

export async function deletePassword(db: Db<ComputeSchema>, serverId: string): Promise<void> {
  await db.deleteFrom('server_passwords').where('server_id', '=', serverId).execute()
}

/** Nothing of the inside of a server outlives it. */
export async function deleteGuestData(db: Db<ComputeSchema>, serverId: string): Promise<void> {
  await deletePassword(db, serverId)
  await db.deleteFrom('config_drives').where('server_id', '=', serverId).execute()
}
