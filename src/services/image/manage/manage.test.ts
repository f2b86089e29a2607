import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createLogger } from '../../../platform/log/log.ts'
import { CommandFailed, runCommand, type CommandTable, type ManageEnv } from '../../../platform/manage/command.ts'
import { startImage } from '../testing/image.ts'
import { glanceCacheManage, glanceCacheCleaner, glanceCachePrefetcher, glanceCachePruner } from './cache.ts'
import { glanceManage, glanceScrubber } from './commands.ts'

function setUp(t: TestContext, given?: string, databaseUrl?: string) {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'nephos-manage-'))
  if (!given) t.after(() => rmSync(folder, { recursive: true, force: true }))
  const lines: string[] = []
  const env: ManageEnv = {
    stateDir: join(folder, 'state'),
    configFiles: [join(folder, 'glance-api.conf')],
    databaseUrl: databaseUrl ?? `sqlite:///${join(folder, 'image.db')}`,
    log: createLogger({ name: 'test', level: 'silent' }),
    print: (line) => lines.push(line),
    warn: (line) => lines.push(line),
  }
  const runOf =
    (table: CommandTable) =>
    async (...argv: string[]) => {
      const status = await runCommand('glance', table, argv, env)
      return { status, last: lines.at(-1) ?? '' }
    }
  return { folder, runOf, manage: runOf(glanceManage) }
}

/** A glance that runs, with its commands beside it. */
async function beside(t: TestContext, config = '') {
  const glance = await startImage({ config })
  t.after(() => glance.stop())
  return { glance, ...setUp(t, join(glance.stateDir, '..'), glance.databaseUrl) }
}

test('db check, sync, version', async (t) => {
  const { manage } = setUp(t)
  assert.equal((await manage('db', 'check')).status, 3)
  assert.match((await manage('db', 'version')).last, /not under version control/)
  assert.match((await manage('db', 'sync')).last, /0001-initial/)
  assert.equal((await manage('db_check')).status, 0)
  assert.match((await manage('db_sync')).last, /up to date/)
  assert.match((await manage('db', 'version')).last, /^\d{4}-/)
})

test('metadata definitions go out, away, and come back the same', async (t) => {
  const { manage, folder } = setUp(t)
  await manage('db', 'sync')
  const out = join(folder, 'out')
  assert.match((await manage('db', 'export_metadefs', '--path', out)).last, /^33 namespaces/)
  assert.equal(readdirSync(out).length, 33)
  assert.match((await manage('db', 'unload_metadefs')).last, /^33 /)
  assert.match((await manage('db', 'load_metadefs', out)).last, /^33 namespaces made/)
  const again = join(folder, 'again')
  await manage('db_export_metadefs', again)
  for (const name of readdirSync(out))
    assert.equal(readFileSync(join(again, name), 'utf8'), readFileSync(join(out, name), 'utf8'))
  assert.match((await manage('db', 'load_metadefs')).last, /33 left/)
  const file = join(folder, 'one.json')
  const more = {
    namespace: 'OS::OperatingSystem',
    display_name: 'New',
    properties: { os_mood: { title: 'M', type: 'string' } },
  }
  writeFileSync(file, JSON.stringify(more))
  assert.match((await manage('db', 'load_metadefs', '--path', file, '--merge', '--prefer_new')).last, /1 merged/)
  await manage('db', 'export_metadefs', again)
  const merged = JSON.parse(readFileSync(join(again, 'OS-OperatingSystem.json'), 'utf8')) as typeof more
  assert.deepEqual([merged.display_name, Object.keys(merged.properties).length], ['New', 4])
  await assert.rejects(manage('db', 'load_metadefs', '--overwrite'), CommandFailed)
  writeFileSync(file, '{}')
  await assert.rejects(manage('db', 'load_metadefs', file), /one\.json is no metadata definition/)
})

test('C11: purged rows leave their ids used', async (t) => {
  const { glance, manage } = await beside(t)
  const { id } = await glance.upload('data')
  await glance.must('DELETE', `/images/${id}`)
  assert.match((await manage('db', 'purge_images_table', '--age_in_days', '1')).last, /Purged 0/)
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.match((await manage('db', 'purge_images_table', '--age_in_days', '0')).last, /Purged 1/)
  assert.equal((await glance.call('POST', '/images', { json: { id } })).status, 409)
  await assert.rejects(manage('db', 'purge', '--age_in_days=-4'), CommandFailed)
})

test('the scrubber removes what was deleted, or brings it back', async (t) => {
  const { glance, runOf, folder } = await beside(t, '[DEFAULT]\ndelayed_delete = true\n')
  const scrubber = runOf(glanceScrubber)
  const images = () => readdirSync(join(folder, 'state', 'images'))
  const back = await glance.upload('comes back')
  const gone = await glance.upload('goes')
  for (const { id } of [back, gone]) await glance.must('DELETE', `/images/${id}`)
  assert.equal((await glance.call('GET', `/images/${back.id}`)).status, 404)
  assert.equal(images().length, 2)
  await scrubber('run', '--restore', back.id)
  assert.equal((await glance.download(back.id)).data.toString(), 'comes back')
  assert.match((await scrubber('run')).last, /Scrubbed 1/)
  assert.deepEqual(images(), [back.id])
  await assert.rejects(scrubber('run', '--restore', gone.id), CommandFailed)
})

test('the cache from the command line', async (t) => {
  const { glance, runOf } = await beside(t)
  const cache = runOf(glanceCacheManage)
  const { id } = await glance.upload('cached')
  assert.match((await cache('list-cached')).last, /No cached/)
  await cache('queue-image', id)
  assert.equal((await cache('list-queued')).last, id)
  assert.match((await runOf(glanceCachePrefetcher)('run')).last, /Copied 1 of 1/)
  assert.match((await cache('list-cached')).last, new RegExp(id))
  assert.match((await runOf(glanceCachePruner)('run')).last, /Pruned 0/)
  assert.match((await runOf(glanceCacheCleaner)('run')).last, /Removed 0/)
  await cache('delete-cached-image', id)
  await assert.rejects(cache('delete-cached-image', id), CommandFailed)
  await assert.rejects(cache('queue-image', 'nonsense'), CommandFailed)
})
