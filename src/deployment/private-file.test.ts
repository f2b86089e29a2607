import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { removeDrafts, writePrivate } from './private-file.ts'

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-private-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a file that is as it should be is left alone; another one is replaced, for its owner only', (t) => {
  const file = join(folderFor(t), 'secrets.json')
  writePrivate(file, 'one')
  const { ino, mode } = statSync(file)
  assert.equal(mode & 0o777, 0o600)
  chmodSync(file, 0o644)
  writePrivate(file, 'one')
  assert.deepEqual([statSync(file).ino, statSync(file).mode & 0o777], [ino, 0o600])
  writePrivate(file, 'two')
  assert.equal(readFileSync(file, 'utf8'), 'two')
  assert.notEqual(statSync(file).ino, ino)
})

test('what cannot be replaced leaves no draft, and drafts of the killed go', (t) => {
  const folder = folderFor(t)
  mkdirSync(join(folder, 'taken', 'inside'), { recursive: true })
  assert.throws(() => writePrivate(join(folder, 'taken'), 'text'))
  assert.deepEqual(readdirSync(folder), ['taken'])
  for (const name of ['secrets.json.4711.new', 'clouds.yaml.0123456789ab.new', 'mine.new', 'a.json'])
    writeFileSync(join(folder, name), '')
  removeDrafts(folder)
  removeDrafts(join(folder, 'missing'))
  assert.deepEqual(readdirSync(folder).sort(), ['a.json', 'mine.new', 'taken'])
})
