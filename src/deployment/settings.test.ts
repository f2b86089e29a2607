import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { loadSettings } from './settings.ts'

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ns-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('ports below 1024, for which the control plane has no privilege, are refused by the name of their option', (t) => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'settings.json'), '{"portBase":80}')
  assert.throws(
    () => loadSettings(folder, {}),
    /portBase 80 in .*settings\.json: ports below 1024 need a privilege.*--port-base/,
  )
  assert.equal(loadSettings(folder, { user: 'root' }).portBase, 80)
})

test('who the control plane runs as is kept, and is a name that a user can have', (t) => {
  const folder = folderFor(t)
  assert.equal(loadSettings(folder, {}).user, 'nephos')
  for (const user of ['', 'Nephos', '-x', 'a b', '0'])
    assert.throws(() => loadSettings(folder, { user }), /--user .*: name a user of this machine/)
  loadSettings(folder, { user: 'cloud_1' })
  assert.equal(loadSettings(folder, {}).user, 'cloud_1')
})
