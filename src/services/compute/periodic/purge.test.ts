import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../../platform/db/database.ts'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import { createLogger } from '../../../platform/log/log.ts'
import type { ComputeDeps } from '../deps.ts'
import type { ComputeSchema } from '../store/tables.ts'
import { eventually, FakeAgent, TestCloud } from '../testing/cloud.ts'
import { imageId, networkId } from '../testing/fakes.ts'
import { purge } from './purge.ts'

const day = 86_400_000
const flavor = { flavor: { name: 'm1.tiny', id: '1', ram: 512, vcpus: 1, disk: 1 } }
const server = { server: { name: 's', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }] } }

test('deleted servers go by their age with what hangs on them; a tombstone stays, and so does what a host may still have', async (t) => {
  const cloud = new TestCloud()
  writeFileSync(join(cloud.folder, 'nova.conf'), '')
  await cloud.start()
  t.after(() => cloud.stop())
  await new FakeAgent(cloud.bus, 'h1').heartbeat()
  await cloud.call('admin', 'POST', '/flavors', flavor)
  const ids: string[] = []
  for (let n = 0; n < 4; n++) {
    const made = await cloud.call('demo', 'POST', '/servers', server)
    ids.push(made.body['server']!['id'] as unknown as string)
  }
  const [living, fresh, old, leftover] = ids as [string, string, string, string]
  const stateOf = async (id: string) => (await cloud.call('admin', 'GET', `/servers/${id}`)).body['server']?.['status']
  for (const id of ids) await eventually(async () => String(await stateOf(id)) === 'ACTIVE', 'the servers run')
  for (const id of [fresh, old, leftover]) await cloud.call('demo', 'DELETE', `/servers/${id}`)
  const database = openDatabase<ComputeSchema>(await testDatabaseUrl(cloud.folder, 'nova'))
  t.after(() => database.close())
  const { db } = database
  const isDeleted = async () =>
    (await db.selectFrom('servers').select('id').where('deleted_at', 'is not', null).execute()).length === 3
  await eventually(isDeleted, 'the deletes')
  await eventually(async () => (await db.selectFrom('sagas').select('id').execute()).length === 0, 'all is over')

  const now = Date.now() + 100 * day
  await db
    .updateTable('servers')
    .set({ deleted_at: now - 89 * day })
    .where('id', '=', fresh)
    .execute()
  await db.updateTable('servers').set({ is_leftover: 1 }).where('id', '=', leftover).execute()
  const tokens = [-1, 1].map((at) => ({
    token_hash: `t${at}`,
    server_id: living,
    host: 'h1',
    type: 'novnc',
    expires_at: now + at,
  }))
  for (const token of tokens) await db.insertInto('console_tokens').values(token).execute()
  const event = {
    id: 'e',
    request_id: null,
    what: 'something',
    outcome: 'info',
    duration_ms: null,
    detail: null,
  } as const
  await db
    .insertInto('timeline')
    .values({ ...event, resource_id: living, at: now - 29 * day })
    .execute()
  for (const server_id of [living, old])
    await db.insertInto('server_passwords').values({ server_id, password: 'x' }).execute()
  const log = createLogger({ name: 'test' })
  const with_ = (days: object) => ({ database, log, now: () => now, config: days }) as unknown as ComputeDeps
  const left = async () => (await db.selectFrom('servers').select('id').execute()).map(({ id }) => id).sort()

  await purge(with_({ purgeDeletedDays: 0, purgeTimelineDays: 0 }))
  assert.deepEqual(await left(), ids.toSorted())
  await purge(with_({ purgeDeletedDays: 90, purgeTimelineDays: 30 }))
  assert.deepEqual(await left(), [living, fresh, leftover].sort())
  const actions = await db.selectFrom('server_actions').select('server_id').distinct().execute()
  assert.deepEqual(actions.map(({ server_id }) => server_id).sort(), [living, fresh, leftover].sort())
  const timeline = await db.selectFrom('timeline').select(['id']).execute()
  assert.deepEqual(
    timeline.map(({ id }) => id),
    ['e'],
  )
  const passwords = await db.selectFrom('server_passwords').select('server_id').execute()
  assert.deepEqual(
    passwords.map(({ server_id }) => server_id),
    [living],
  )
  const consoles = await db.selectFrom('console_tokens').select('token_hash').execute()
  assert.deepEqual(
    consoles.map(({ token_hash }) => token_hash),
    ['t1'],
  )
  const tombs = await db.selectFrom('deleted_servers').select('id').where('id', 'in', [living, old]).execute()
  assert.deepEqual(
    tombs.map(({ id }) => id),
    [old],
  )
})
