import assert from 'node:assert/strict'
import { test } from 'node:test'
import { escapeDnValue, isBelow, parseDn } from './dn.ts'
import { bytesOfUuid, isTrue, valueOf, valuesOf } from './values.ts'

test('A8: only what clearly says yes is true', () => {
  for (const text of ['TRUE', 'true', 'True', '1', 'yes', 'on', '512', ' true ']) assert.equal(isTrue(text), true, text)
  for (const text of ['FALSE', 'false', '0', 'no', 'off', '', ' ', 'nonsense', 'null'])
    assert.equal(isTrue(text), false, text)
})

test('attributes are found whatever case they are written in', () => {
  const entry = { dn: 'cn=x', sAMAccountName: 'x', Member: ['a', 'b'], DN: 'no' }
  assert.equal(valueOf(entry, 'samaccountname'), 'x')
  assert.deepEqual(valuesOf(entry, 'member'), ['a', 'b'])
  assert.deepEqual(valuesOf(entry, 'none'), [])
})

test("Active Directory's objectGUID is a UUID, there and back", () => {
  const bytes = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  const text = '33221100-5544-7766-8899-aabbccddeeff'
  assert.equal(valueOf({ dn: 'x', objectGUID: bytes }, 'objectguid'), text)
  assert.deepEqual(bytesOfUuid(text), bytes)
  assert.equal(bytesOfUuid('alice'), undefined)
})

test('distinguished names are compared by their parts', () => {
  assert.ok(isBelow('uid=a, OU=Users,dc=Example,dc=org', 'ou=users,dc=example,dc=org'))
  assert.ok(!isBelow('uid=a\\,ou=users,dc=org', 'ou=users,dc=org'))
  assert.ok(!isBelow('dc=org', 'ou=users,dc=org'))
  assert.deepEqual(parseDn('cn=a\\2cb\\, c\\C3\\A9+sn=x,dc=org')[0], { attribute: 'cn', value: 'a,b, cé' })
  assert.deepEqual(parseDn(`cn=${escapeDnValue(' a,b+c"\\ ')},dc=x`)[0], { attribute: 'cn', value: ' a,b+c"\\ ' })
})
