import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSecret } from './known-secrets.ts'
import { hashPassword } from './passwords.ts'

test('a secret that was right stays right, others stay wrong, and a new hash ends it', async () => {
  const hash = await hashPassword('right', 4)
  assert.equal(await checkSecret('wrong', hash, 4), false)
  for (let i = 0; i < 2; i++) assert.equal(await checkSecret('right', hash, 4), true)
  assert.equal(await checkSecret('wrong', hash, 4), false)
  assert.equal(await checkSecret('right', await hashPassword('other', 4), 4), false)
  assert.equal(await checkSecret('right', null, 4), false)
})
