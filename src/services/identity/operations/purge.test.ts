import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../../platform/db/database.ts'
import { migrate } from '../../../platform/db/migrate.ts'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import type { IdentityDeps } from '../deps.ts'
import { migrations } from '../open.ts'
import type { IdentitySchema } from '../store/tables.ts'
import { purge } from './purge.ts'

const day = 86_400_000

test('trusts that ended long ago, revocations of tokens that are over, and requests that nobody answered go', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-purge-'))
  const database = openDatabase<IdentitySchema>(await testDatabaseUrl(folder, 'identity'))
  t.after(async () => (await database.close(), rmSync(folder, { recursive: true })))
  await migrate(database, migrations)
  const { db } = database
  const now = Date.now()
  const trust = { trustor_user_id: 'a', trustee_user_id: 'b', project_id: null, impersonation: 0, remaining_uses: null }
  const more = { redelegated_trust_id: null, redelegation_count: 0, roles: '[]', extra: '{}' }
  for (const [id, expires_at, deleted_at] of [
    ['living', null, null],
    ['later', now + day, null],
    ['just expired', now - 80 * day, null],
    ['expired', now - 91 * day, null],
    ['deleted', null, now - 91 * day],
  ] as const)
    await db
      .insertInto('trusts')
      .values({ ...trust, ...more, id, expires_at, deleted_at })
      .execute()
  const whom = { audit_id: null, audit_chain_id: null, user_id: 'u', project_id: null, domain_id: null, trust_id: null }
  for (const hours of [1, 3])
    await db
      .insertInto('revocation_events')
      .values({ ...whom, consumer_id: null, id: `${hours}`, revoked_at: now - hours * 3_600_000 })
      .execute()
  const request = { secret: 's', requested_project_id: 'p', verifier: null, authorizing_user_id: null, role_ids: null }
  await db.insertInto('consumers').values({ id: 'c', secret: 's', description: null, extra: '{}' }).execute()
  for (const at of [-1, day])
    await db
      .insertInto('request_tokens')
      .values({ ...request, consumer_id: 'c', id: `${at}`, expires_at: now + at })
      .execute()
  const config = { purgeDeletedDays: 90, expiration: 3600, allowExpiredWindow: 3600 }
  await purge({ database, config } as unknown as IdentityDeps)
  const idsOf = async (table: 'trusts' | 'revocation_events' | 'request_tokens') =>
    (await db.selectFrom(table).select('id').orderBy('id').execute()).map(({ id }) => id)
  assert.deepEqual(await idsOf('trusts'), ['just expired', 'later', 'living'])
  assert.deepEqual(await idsOf('revocation_events'), ['1'])
  assert.deepEqual(await idsOf('request_tokens'), [String(day)])
})
