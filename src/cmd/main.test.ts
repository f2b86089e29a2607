import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { parseArguments } from './arguments.ts'
import { help } from './help.ts'
import { programNames } from './manage.ts'

const root = join(import.meta.dirname, '..', '..')

test('--version and --help say what there is', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const asked = spawnSync(process.execPath, [join(root, 'src/cmd/main.ts'), '--version'], { encoding: 'utf8' })
  assert.equal(asked.stdout, `nephos ${version}\n`)
  assert.equal(asked.status, 0)
  for (const name of programNames) assert.ok(help.includes(name), name)
})

test('a relative state directory is one of this working directory, whoever uses it later', () => {
  assert.equal(parseArguments(['up', '--state-dir', 'relst']).stateDir, resolve('relst'))
  assert.equal(parseArguments(['up', '--state-dir', '/abs/./x']).stateDir, '/abs/x')
})

test('--no-install names the npm packages and the Debian packages at once', (t) => {
  const copy = mkdtempSync(join(tmpdir(), 'nephos-bare-'))
  t.after(() => rmSync(copy, { recursive: true }))
  for (const folder of ['bin', 'src/host', 'guest/build']) mkdirSync(join(copy, folder), { recursive: true })
  cpSync(join(root, 'bin/nephos'), join(copy, 'bin/nephos'))
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(copy, 'guest/build/guest.qcow2'), '')
  const table = readFileSync(join(root, 'src/host/packages.ts'), 'utf8')
  writeFileSync(join(copy, 'src/host/packages.ts'), table.replaceAll("'qemu-img'", "'no-such-program'"))
  const start = (...args: string[]) =>
    spawnSync(process.execPath, [join(copy, 'bin/nephos'), 'up', '--no-install', ...args], { encoding: 'utf8' })
  const { status, stderr } = start()
  assert.equal(status, 1)
  assert.match(stderr, /npm packages are missing; install them with: npm ci/)
  assert.match(stderr, /Debian packages are missing; install them with: apt-get install .*qemu-utils/)
  assert.doesNotMatch(start('--fake').stderr, /Debian/)
})
