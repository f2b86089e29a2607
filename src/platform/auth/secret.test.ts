import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { constantTimeEqual, Secret } from './secret.ts'

test('P10: a secret prints as *** however it is printed', () => {
  const secret = new Secret('canary')
  const all = [String(secret), JSON.stringify({ secret }), inspect({ deep: [secret] }), `${secret}`, secret + '']
  for (const text of [...all, inspect(secret, { showHidden: true, depth: 9 })])
    assert.ok(!text.includes('canary'), text)
})

test('P9: secrets are compared by their own method only: === does not even compile', () => {
  const secret = new Secret('x')
  // @ts-expect-error: a secret and a text have nothing in common
  assert.equal(secret === 'x', false)
  assert.ok(secret.equals('x') && secret.equals(new Secret('x')) && !secret.equals('y') && !secret.equals(''))
})

test('P9, H9: a comparison does the same work wherever the texts differ, also in their lengths', (t) => {
  const lengths: number[][] = []
  const real = crypto.timingSafeEqual
  t.mock.method(crypto, 'timingSafeEqual', (a: Buffer, b: Buffer) => {
    lengths.push([a.length, b.length])
    return real(a, b)
  })
  syncBuiltinESMExports()
  const right = 'a'.repeat(64)
  const guesses = [right, `b${right.slice(1)}`, `${right.slice(1)}b`, right.slice(1), `${right}a`, '', 'é'.repeat(64)]
  assert.deepEqual(
    guesses.map((guess) => constantTimeEqual(guess, right)),
    [true, false, false, false, false, false, false],
  )
  t.mock.restoreAll()
  syncBuiltinESMExports()
  assert.deepEqual(
    lengths,
    guesses.map(() => [32, 32]),
  )
})
