import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { parseArguments } from './arguments.ts'
import { backup } from './backup.ts'
import { restore } from './restore.ts'
import { databaseFileOf } from '../deployment/service-files.ts'
import { ensureSecrets } from '../deployment/secrets.ts'
import { loadSettings } from '../deployment/settings.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nb-'))
  t.after(() => rmSync(folder, { recursive: true }))
  t.mock.method(console, 'log', () => undefined)
  return folder
}

/** A state directory with two databases, an image, keys and a guest's disk. */
function stateIn(folder: string): string {
  const stateDir = join(folder, 'state')
  loadSettings(stateDir, {})
  ensureSecrets(stateDir)
  for (const each of [
    'image/images',
    'image/staging',
    'identity/fernet-keys',
    'compute',
    'instances/x',
    'compute-agent',
    'object-store/devices/d1',
  ])
    mkdirSync(join(stateDir, each), { recursive: true })
  for (const file of [
    'image/images/a',
    'image/images/b.part',
    'image/staging/c',
    'identity/fernet-keys/0',
    'instances/x/disk',
    'compute-agent/host.json',
    'object-store/devices/d1/an object',
  ])
    writeFileSync(join(stateDir, file), file)
  for (const type of ['compute', 'image']) {
    const database = new DatabaseSync(databaseFileOf(stateDir, type))
    database.exec('pragma journal_mode = wal; create table t (n integer); insert into t values (0)')
    database.close()
  }
  return stateDir
}

const numberIn = (folder: string, type: string) => {
  const database = new DatabaseSync(databaseFileOf(folder, type), { readOnly: true })
  const { n } = database.prepare('select n from t').get() as { n: number }
  database.close()
  return n
}
const run = (command: typeof backup, ...argv: string[]) => command(parseArguments(['x', ...argv]))

test('databases that are written to all the time are copied as of one moment', async (t) => {
  const folder = folderOf(t)
  const stateDir = stateIn(folder)
  const files = ['compute', 'image'].map((type) => databaseFileOf(stateDir, type))
  // One story over two databases: the second is never ahead, nor more than one behind.
  const writer = new Worker(
    `const { DatabaseSync } = require('node:sqlite')
     const { parentPort, workerData } = require('node:worker_threads')
     const all = workerData.map((file) => new DatabaseSync(file, { timeout: 10000 }))
     parentPort.postMessage('ready')
     for (let n = 1; ; n++) for (const each of all) each.exec('update t set n = ' + n)`,
    { eval: true, workerData: files },
  )
  t.after(() => writer.terminate())
  await new Promise((resolve) => writer.once('message', resolve))
  for (let round = 0; round < 5; round++) {
    const target = join(folder, `backup${round}`)
    await run(backup, target, '--state-dir', stateDir)
    const behind = numberIn(target, 'compute') - numberIn(target, 'image')
    assert.ok(behind === 0 || behind === 1, `${behind} steps behind`)
  }
})

test('a backup has what the control plane needs, and nothing of hosts', async (t) => {
  const folder = folderOf(t)
  const stateDir = stateIn(folder)
  const target = join(folder, 'backup')
  await run(backup, target, '--state-dir', stateDir)
  const files = readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(target, file)).isFile(),
  )
  const users = ['admin', 'demo', 'glance', 'neutron', 'nova', 'placement', 'swift']
  assert.deepEqual(files.sort(), [
    'backup.json',
    'compute/compute.db',
    'identity/fernet-keys/0',
    'image/image.db',
    'image/images/a',
    ...['bus', 'bus-control', 'metadata', ...users.map((user) => `user-${user}`)].map((name) => `secrets/${name}`),
    'settings.json',
  ])
  assert.equal(statSync(target).mode & 0o777, 0o700)
  assert.equal(statSync(join(target, 'image/images/a')).nlink, 2, 'a second name, no second copy')
  await assert.rejects(run(backup, target, '--state-dir', stateDir), /exists already/)
})

test('what a restore replaces is kept, hosts and images of later are left alone; archives too', async (t) => {
  const folder = folderOf(t)
  const stateDir = stateIn(folder)
  const file = join(folder, 'backup.tar.gz')
  await run(backup, file, '--state-dir', stateDir)
  const database = new DatabaseSync(databaseFileOf(stateDir, 'compute'))
  database.exec('update t set n = 7')
  writeFileSync(join(stateDir, 'image/images/later'), 'later')
  writeFileSync(join(stateDir, 'instances/x/disk'), 'written')
  await run(restore, file, '--state-dir', stateDir)
  database.close()
  assert.equal(numberIn(stateDir, 'compute'), 0)
  assert.equal(readFileSync(join(stateDir, 'instances/x/disk'), 'utf8'), 'written')
  assert.ok(existsSync(join(stateDir, 'image/images/later')))
  const aside = readdirSync(stateDir).filter((name) => name.startsWith('replaced-'))
  assert.equal(aside.length, 1)
  assert.equal(numberIn(join(stateDir, aside[0]!), 'compute'), 7)

  const fresh = join(folder, 'fresh')
  await run(restore, file, '--state-dir', fresh)
  assert.equal(numberIn(fresh, 'image'), 0)
  assert.equal(readFileSync(join(fresh, 'image/images/a'), 'utf8'), 'image/images/a')
})

test('what is no whole backup replaces nothing', async (t) => {
  const folder = folderOf(t)
  const stateDir = stateIn(folder)
  const target = join(folder, 'backup')
  await run(backup, target, '--state-dir', stateDir)
  writeFileSync(databaseFileOf(target, 'compute'), 'no database')
  await assert.rejects(run(restore, target, '--state-dir', stateDir), /not a database/)
  rmSync(databaseFileOf(target, 'compute'))
  await assert.rejects(run(restore, target, '--state-dir', stateDir), /not whole: compute\/compute.db is missing/)
  assert.deepEqual(
    readdirSync(stateDir).filter((name) => name.startsWith('replaced-')),
    [],
  )
})
