import assert from 'node:assert/strict'
import bcrypt from 'bcrypt'
import { test } from 'node:test'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { byPassword, openTestIdentity, startIdentity } from '../testing/identity.ts'

test('A9, H9: a login that fails has cost one comparison, whatever it failed for', async (t) => {
  const identity = await startIdentity(t, '[security_compliance]\nlockout_failure_attempts = 2\n')
  const disabled = await identity.make('POST', '/users', { user: { name: 'off', password: 'right' } })
  await identity.make('PATCH', `/users/${disabled.id}`, { user: { enabled: false } })
  await identity.make('POST', '/users', { user: { name: 'locked', password: 'right' } })
  for (const _try of [1, 2]) await identity.authenticate(byPassword('locked', 'wrong'))
  // The first one for nobody makes the hash that the others are compared with.
  await identity.authenticate(byPassword('nobody', 'x'))
  let compared = 0
  const real = bcrypt.compare.bind(bcrypt) as (text: string, hash: string) => Promise<boolean>
  t.mock.method(bcrypt, 'compare', (text: string, hash: string) => (compared++, real(text, hash)))
  const attempts = [byPassword('nobody', 'x'), byPassword('admin', 'wrong'), byPassword('off', 'wrong')]
  attempts.push(byPassword('off', 'right'), byPassword('locked', 'right'), byPassword('locked', 'wrong'))
  for (const [index, attempt] of attempts.entries()) {
    assert.equal((await identity.authenticate(attempt)).status, 401)
    assert.equal(compared, index + 1, JSON.stringify(attempt))
  }
})

test('A12: a password that was hashed at another cost is right still', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-rounds-'))
  const withRounds = (rounds: number) => openTestIdentity(folder, `[identity]\npassword_hash_rounds = ${rounds}\n`)
  const before = await withRounds(4)
  await before.make('POST', '/users', { user: { name: 'old', password: 'right' } })
  await before.service.stop()
  const identity = await withRounds(5)
  t.after(() => identity.close())
  assert.equal((await identity.authenticate(byPassword('old', 'right'))).status, 201)
  assert.equal((await identity.authenticate(byPassword('old', 'wrong'))).status, 401)
})
