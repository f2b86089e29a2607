import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openDatabase } from '../../../platform/db/database.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { runCommand, type ManageEnv } from '../../../platform/manage/command.ts'
import { missingId } from '../model/consumer.ts'
import type { PlacementSchema } from '../store/tables.ts'
import { addProvider, claim } from '../testing/cloud-of.ts'
import { startPlacement } from '../testing/placement.ts'
import { placementManage } from './database.ts'
import { placementStatus } from './upgrade-check.ts'

/** Both programs on a folder of their own or on a given database; `lines` is what they printed. */
function setUp(t: TestContext, databaseUrl?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-manage-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const lines: string[] = []
  const env: ManageEnv = {
    stateDir: folder,
    configFiles: [join(folder, 'placement.conf')],
    databaseUrl: databaseUrl ?? `sqlite:///${join(folder, 'placement.db')}`,
    log: createLogger({ name: 'test' }),
    print: (line) => lines.push(line),
    warn: (line) => lines.push(line),
  }
  return {
    folder,
    lines,
    manage: (...argv: string[]) => runCommand('placement-manage', placementManage, argv, env),
    status: (...argv: string[]) => runCommand('placement-status', placementStatus, argv, env),
  }
}

test('db sync makes the schema, db version names it, db stamp records it', async (t) => {
  const { manage, status, lines } = setUp(t)
  await manage('db', 'version')
  assert.equal(lines.at(-1), 'none')
  assert.equal(await status('upgrade', 'check'), 2)
  assert.match(lines.at(-1)!, /Check: Database Schema +\|\n\| Result: Failure/)
  assert.equal(await manage('db', 'sync'), 0)
  await manage('db', 'version')
  const newest = lines.at(-1)!
  assert.match(newest, /^\d{4}-/)
  assert.equal(await status('upgrade', 'check'), 0)
  await manage('db', 'stamp', '0001-initial')
  await manage('db', 'version')
  assert.equal(lines.at(-1), '0001-initial')
  await manage('db', 'stamp', 'head')
  await manage('db', 'version')
  assert.equal(lines.at(-1), newest)
  await assert.rejects(manage('db', 'stamp', 'no-such'), /there is no version 'no-such'/)
  await assert.rejects(manage('db', 'stamp'), /one version is to be named/)
})

test('the upgrade check finds what is incomplete and online_data_migrations completes it', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const root = await addProvider(placement, { name: 'root', inventory: { VCPU: 100 } })
  const child = await addProvider(placement, { name: 'child', parent: root })
  const consumers: string[] = []
  for (let each = 0; each < 3; each++) consumers.push(await claim(placement, root, { VCPU: 1 }))
  const database = openDatabase<PlacementSchema>(placement.databaseUrl)
  t.after(() => database.close())
  await database.db.deleteFrom('consumers').execute()
  const { manage, status, lines, folder } = setUp(t, placement.databaseUrl)

  assert.equal(await status('upgrade', 'check'), 1)
  assert.match(lines.at(-1)!, /Check: Incomplete Consumers +\|\n\| Result: Warning +\|\n\| Details: There are 3/)
  await database.db.updateTable('providers').set({ root_uuid: '' }).execute()
  assert.equal(await status('upgrade', 'check', '--json'), 2)
  const { checks } = JSON.parse(lines.at(-1)!) as { checks: { check: string; result: number }[] }
  assert.deepEqual(
    checks.map(({ check, result }) => [check, result]),
    [
      ['Database Schema', 0],
      ['Missing Root Provider IDs', 2],
      ['Incomplete Consumers', 1],
      ['Policy File JSON to YAML Migration', 0],
    ],
  )

  assert.equal(await manage('db', 'online_data_migrations', '--max-count', 'many'), 127)
  assert.equal(await manage('db', 'online_data_migrations', '--max-count', '3'), 1)
  assert.ok(lines.includes('2 rows matched query set_root_provider_ids, 2 migrated'))
  assert.ok(lines.includes('1 rows matched query create_incomplete_consumers, 1 migrated'))
  assert.equal(await manage('db', 'online_data_migrations'), 0)
  assert.match(lines.at(-1)!, /\| create_incomplete_consumers \| {6}2 {6}\| {5}2 {5}\|/)
  assert.equal(await status('upgrade', 'check'), 0)

  const { body } = await placement.call<{ project_id: string; consumer_type: string }>(
    'GET',
    `/allocations/${consumers[0]}`,
  )
  assert.equal(body.project_id, missingId)
  assert.equal(body.consumer_type, 'unknown')
  const tree = await placement.must<{ resource_providers: { uuid: string }[] }>(
    'GET',
    `/resource_providers?in_tree=${child}`,
  )
  assert.equal(tree.resource_providers.length, 2)

  writeFileSync(join(folder, 'policy.json'), '{}')
  assert.equal(await status('upgrade', 'check'), 2)
  assert.match(lines.at(-1)!, /Check: Policy File JSON to YAML Migration/)
})
