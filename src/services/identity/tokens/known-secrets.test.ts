import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isKnownSecret, rememberSecret } from './known-secrets.ts'

test('a secret is known for its hash, and no other is', () => {
  assert.equal(isKnownSecret('right', 'hash'), false)
  rememberSecret('right', 'hash')
  assert.equal(isKnownSecret('right', 'hash'), true)
  assert.equal(isKnownSecret('wrong', 'hash'), false)
  assert.equal(isKnownSecret('right', 'another'), false)
  assert.equal(isKnownSecret('right', null), false)
})

test('P16: what is known is bounded, the oldest goes first', () => {
  for (let index = 0; index <= 10_000; index++) rememberSecret('s', `h${index}`)
  assert.equal(isKnownSecret('s', 'h0'), false)
  assert.equal(isKnownSecret('s', 'h10000'), true)
})
