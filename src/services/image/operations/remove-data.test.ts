/** At a start, what a database that is older than the store does not know is kept. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../../platform/db/database.ts'
import { purgeImages } from './purge.ts'
import type { ImageSchema } from '../store/tables.ts'
import { startImage } from '../testing/image.ts'

test('P21: data go with images that are known to be deleted, purged or not; what no row knows stays', async (t) => {
  const glance = await startImage()
  t.after(() => glance.stop())
  const [purged, deleted] = [await glance.upload('one'), await glance.upload('two')]
  const active = await glance.upload('three')
  const queued = await glance.create()
  const unknown = randomUUID()
  await glance.must('DELETE', `/images/${purged.id}`)
  const database = openDatabase<ImageSchema>(glance.databaseUrl)
  assert.equal(await purgeImages(database, Date.now() + 1000, -1), 1)
  await database.close()
  await glance.must('DELETE', `/images/${deleted.id}`)

  // As a database and files of different moments have it.
  const store = (id: string) => join(glance.stateDir, 'images', id)
  const staging = (id: string) => join(glance.stateDir, 'staging', id)
  for (const id of [purged.id, deleted.id, queued.id, unknown]) writeFileSync(store(id), 'data')
  for (const id of [active.id, deleted.id, queued.id, unknown]) writeFileSync(staging(id), 'data')
  await glance.restart()
  const left = (place: (id: string) => string) =>
    [purged.id, deleted.id, active.id, queued.id, unknown].map((id) => existsSync(place(id)))
  assert.deepEqual(left(store), [false, false, true, true, true])
  assert.deepEqual(left(staging), [false, false, false, true, true])
})
