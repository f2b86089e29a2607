import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decrypt, encrypt, generateKey, parseKey } from './fernet.ts'

const key = parseKey(generateKey())
const payload = Buffer.from('what a token holds')

test('A11: a token opens with its key, also when that is not the first', () => {
  const token = encrypt(key, payload, 1_700_000_000)
  assert.deepEqual(decrypt([parseKey(generateKey()), key], token), { payload, seconds: 1_700_000_000 })
  assert.equal(decrypt([parseKey(generateKey())], token), undefined)
})

test('A11: a token with any character changed, added or removed is none', () => {
  const token = encrypt(key, payload, 1_700_000_000)
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === 'A' ? 'B' : 'A'
    assert.equal(decrypt([key], token.slice(0, at) + other + token.slice(at + 1)), undefined, `character ${at}`)
  }
  for (const form of [`${token}A`, `${token}=`, ` ${token}`, token.slice(0, -1), token.replace(/^./, '+')])
    assert.equal(decrypt([key], form), undefined, form)
})

test('A11: the vector of the fernet specification opens, and a key of zeros is refused', () => {
  const spec = parseKey('cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')
  const token = 'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA'
  assert.deepEqual(decrypt([spec], token), { payload: Buffer.from('hello'), seconds: 499_162_800 })
  assert.throws(() => parseKey(Buffer.alloc(32).toString('base64url')), /zeros/)
  assert.throws(() => parseKey('c2hvcnQ='), /32 bytes/)
})
