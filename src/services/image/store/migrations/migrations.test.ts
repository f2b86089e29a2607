import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openDatabase } from '../../../../platform/db/database.ts'
import { migrate } from '../../../../platform/db/migrate.ts'
import { startImage } from '../../testing/image.ts'
import { initial } from './0001-initial.ts'

test('images of the first version are there after the update, with their data, in the file store', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-image-'))
  const url = `sqlite:///${join(folder, 'image.db')}`
  const old = openDatabase<object>(url)
  await migrate(old, [initial])
  await old.close()
  const id = randomUUID()
  const data = Buffer.from('from before')
  const hash = createHash('sha512').update(data).digest('hex')
  const database = new DatabaseSync(join(folder, 'image.db'))
  database
    .prepare(
      `insert into images (id, name, status, visibility, owner, disk_format, container_format, min_disk, min_ram,
         is_protected, is_hidden, size, hash_value, created_at, updated_at)
       values (?, 'old', 'active', 'public', 'admin', 'raw', 'bare', 0, 0, 0, 0, ?, ?, 1, 1)`,
    )
    .run(id, data.length, hash)
  database.close()
  mkdirSync(join(folder, 'state', 'images'), { recursive: true })
  writeFileSync(join(folder, 'state', 'images', id), data)
  const glance = await startImage({ folder, databaseUrl: url })
  t.after(async () => {
    await glance.stop()
    rmSync(folder, { recursive: true })
  })
  const image = await glance.must('GET', `/images/${id}`)
  assert.deepEqual([image['os_hash_algo'], image['os_hash_value'], image.stores], ['sha512', hash, 'file'])
  assert.ok((await glance.download(id)).data.equals(data))
})
