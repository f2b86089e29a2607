/**
 * Configuration as packages, deployment tools and guides of all years write it (`*.conf` beside this: `=== path`, then the
 * file's content): every cloud starts with it, and tells what of it has no effect; the lists are in `told.json`.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { createTestCloud, type TestCloud } from '../cloud.ts'

const folder = import.meta.dirname
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.conf'))
  .map((name) => basename(name, '.conf'))
const toldFile = join(folder, 'told.json')
const expected = JSON.parse(readFileSync(toldFile, 'utf8')) as Record<string, string[]>

function layOut(name: string, stateDir: string): void {
  // What packages have put into /etc of this machine is not what is tried here.
  const text = readFileSync(join(folder, `${name}.conf`), 'utf8')
    .replaceAll('STATE', stateDir)
    .replaceAll(/\/etc\/(?=(?:keystone|glance|placement|nova|neutron)\/)/g, `${stateDir}/nowhere/`)
  for (const part of text.split(/^=== /m).slice(1)) {
    const end = part.indexOf('\n')
    const file = join(stateDir, 'etc', part.slice(0, end))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, part.slice(end + 1))
  }
}

/** What the logs of the services say of the files, without the folder. */
function toldOf({ stateDir }: TestCloud): string[] {
  // A service that has nothing to tell has no log.
  const logs = ['identity', 'image', 'placement', 'compute', 'network']
    .map((type) => join(stateDir, 'log', 'control', `${type}.log`))
    .filter((file) => existsSync(file))
  const lines = logs.flatMap((file) => readFileSync(file, 'utf8').split('\n'))
  const messages = lines.filter((line) => line !== '').map((line) => (JSON.parse(line) as { msg: string }).msg)
  return messages
    .filter((message) => /has no effect|is now|is not built|is of older releases|does not exist/.test(message))
    .map((message) =>
      message
        .replaceAll(`${stateDir}/nowhere/`, '/etc/')
        .replaceAll(`${stateDir}/etc/`, '')
        .replaceAll(stateDir, 'STATE'),
    )
    .sort()
}

test('there are deployments of many kinds', () => assert.ok(names.length >= 10))

for (const name of names) {
  test(`a cloud starts with the configuration of ${name}`, async () => {
    const cloud = await createTestCloud({ args: ['--fake'] })
    try {
      layOut(name, cloud.stateDir)
      await cloud.up()
      const { code, output } = await cloud.nephos('status')
      assert.equal(code, 0, output)
      const told = toldOf(cloud)
      if (process.env['NEPHOS_NEW_TOLD'] !== undefined) {
        expected[name] = told
        writeFileSync(toldFile, `${JSON.stringify(expected, null, 2)}\n`)
      }
      assert.deepEqual(told, expected[name])
    } finally {
      await cloud.destroy()
    }
  })
}
