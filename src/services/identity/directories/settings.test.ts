import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsInRows } from './settings.ts'

const row = (section: string, name: string, value: unknown, is_sensitive = 0) => ({
  section,
  name,
  value: JSON.stringify(value),
  is_sensitive,
})
const ldap = row('identity', 'driver', 'ldap')

test('A8: booleans in options of a domain are read, whatever their type; what is none is refused', () => {
  const useTls = (value: unknown) => settingsInRows([ldap, row('ldap', 'use_tls', value)])?.useTls
  for (const value of [false, 'false', 'FALSE', 'False', '0', 'no', 'off', 0]) assert.equal(useTls(value), false)
  for (const value of [true, 'true', 'True', '1', 'yes', 'on', 1]) assert.equal(useTls(value), true)
  for (const value of ['', 'maybe', null, [], {}]) assert.throws(() => useTls(value), /\[ldap\] use_tls/)
})

test('A14: an option is filled in with a sensitive option of the same domain, and with nothing else', () => {
  const rows = [
    ldap,
    row('ldap', 'password', 'secret', 1),
    row('ldap', 'suffix', 'dc=x'),
    row('ldap', 'user', 'cn=%(password)s,%(suffix)s,%(connection)s,$(admin_token)s'),
  ]
  assert.equal(settingsInRows(rows)?.user, 'cn=secret,%(suffix)s,%(connection)s,$(admin_token)s')
})

test('a domain without the driver ldap lives in the database', () => {
  assert.equal(settingsInRows([row('ldap', 'url', 'ldap://x')]), undefined)
  assert.equal(settingsInRows([row('identity', 'driver', 'sql')]), undefined)
})

test('numbers, lists and choices', () => {
  const with_ = (name: string, value: unknown) => settingsInRows([ldap, row('ldap', name, value)])!
  assert.equal(with_('pool_size', '7').poolSize, 7)
  assert.equal(with_('pool_retry_delay', 0.5).poolRetryDelay, 0.5)
  assert.deepEqual(with_('user_attribute_ignore', 'a, b').userAttributeIgnore, ['a', 'b'])
  assert.deepEqual(with_('user_attribute_ignore', ['a', 'b']).userAttributeIgnore, ['a', 'b'])
  for (const [name, value] of [
    ['pool_size', 'many'],
    ['pool_size', 0],
    ['pool_size', 1.5],
    ['query_scope', 'all'],
    ['url', { a: 1 }],
  ] as const)
    assert.throws(() => with_(name, value), new RegExp(`\\[ldap\\] ${name}`))
})
