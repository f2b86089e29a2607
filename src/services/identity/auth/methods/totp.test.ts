import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBase32, passcodeAt } from './totp.ts'

test('the vectors of RFC 6238 (their last six digits)', () => {
  const secret = Buffer.from('12345678901234567890')
  const vectors: [number, string][] = [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_234_567_890, '005924'],
    [20_000_000_000, '353130'],
  ]
  for (const [seconds, passcode] of vectors) assert.equal(passcodeAt(secret, seconds * 1000), passcode)
})

test('base32 with and without padding, and what is none', () => {
  assert.deepEqual(fromBase32('GEZDGNBVGY3TQOJQ'), Buffer.from('1234567890'))
  assert.deepEqual(fromBase32('mzxw6==='), Buffer.from('foo'))
  assert.equal(fromBase32('not base32!'), undefined)
  assert.equal(fromBase32(''), undefined)
})
