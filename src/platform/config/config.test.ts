import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConfigError, loadConfig } from './config.ts'
import { option } from './options.ts'

const declarations = {
  myIp: option.string('DEFAULT', 'my_ip', '127.0.0.1', 'Address of this host.'),
  expiration: option.integer('token', 'expiration', 3600, 'Seconds.', { min: 1 }),
  debug: option.boolean('DEFAULT', 'debug', false, 'Log more.'),
  drivers: option.list('ml2', 'type_drivers', ['flat'], 'Types.'),
  aliases: option.multi('DEFAULT', 'alias', [], 'Repeated.'),
  url: option.string('vnc', 'url', '', 'With substitution.'),
}

function load(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'nova.conf')
  writeFileSync(file, text)
  return loadConfig(declarations, [file, join(folder, 'absent.conf')])
}

test('values, lists, repeated options, substitution and comments as the install guides write them', (t) => {
  const config = load(
    t,
    '[DEFAULT]\n# comment\nmy_ip = 10.0.0.11\ndebug = True\nalias = a#b\nalias = c;d\n[ml2]\ntype_drivers = flat,vlan,\n  vxlan\n[vnc]\nurl = http://$my_ip:6080/$$\n[token]\nexpiration=7200\n',
  )
  assert.deepEqual(config, {
    myIp: '10.0.0.11',
    expiration: 7200,
    debug: true,
    drivers: ['flat', 'vlan', 'vxlan'],
    aliases: ['a#b', 'c;d'],
    url: 'http://10.0.0.11:6080/$',
  })
})

test('a wrong option names file, line, section, option and the remedy', (t) => {
  const message = (text: string) => {
    try {
      load(t, text)
    } catch (error) {
      assert.ok(error instanceof Error)
      return error.message
    }
    return assert.fail(`accepted: ${text}`)
  }
  assert.match(
    message('[token]\nexpiration = soon\n'),
    /nova\.conf:2: \[token\] expiration = soon: must be a whole number|must be a number/,
  )
  assert.match(message('[token]\nexpiration = 0\n'), /at least 1/)
  assert.match(
    message('[DEFAULT]\nexpiration = 5\n'),
    /\[DEFAULT\] expiration is no known option; it belongs in \[token\]/,
  )
  assert.match(message('[token]\nexpirationn = 5\n'), /no known option/)
  assert.match(message('[DEFAULT]\ndebug = maybe\n'), /must be true or false/)
  assert.match(message('hello\n'), /neither \[section\] nor name = value/)
  assert.throws(() => load(t, '[DEFAULT]\ndebug = 2\n'), ConfigError)
})
