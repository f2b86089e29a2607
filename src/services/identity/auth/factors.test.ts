import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../store/rows.ts'
import { isEnough, rulesOf } from './factors.ts'

const user = (options: object) => ({ options: JSON.stringify(options) }) as Row<'users'>
const usable = ['password', 'token', 'totp']

test('without rules, or with them switched off, any method will do', () => {
  assert.deepEqual(rulesOf(user({}), usable), [])
  assert.deepEqual(
    rulesOf(user({ multi_factor_auth_enabled: false, multi_factor_auth_rules: [['password', 'totp']] }), usable),
    [],
  )
  assert.ok(isEnough([], ['password']))
})

test('one rule must be met whole', () => {
  const rules = rulesOf(user({ multi_factor_auth_rules: [['password', 'totp'], ['token']] }), usable)
  assert.ok(!isEnough(rules, ['password']))
  assert.ok(!isEnough(rules, ['totp']))
  assert.ok(isEnough(rules, ['password', 'totp']))
  assert.ok(isEnough(rules, ['token', 'password']))
})

test('methods that cannot be used count as met; a rule of nothing else is ignored', () => {
  assert.deepEqual(rulesOf(user({ multi_factor_auth_rules: [['password', 'kerberos'], ['x509']] }), usable), [
    ['password'],
  ])
})
