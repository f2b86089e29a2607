import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultMethods } from '../config.ts'
import { methodBits, methodsOf, packPayload, unpackPayload, type TokenPayload } from './payload.ts'

const id = (digit: string) => digit.repeat(32)
const base = {
  userId: id('a'),
  methods: ['password', 'totp'],
  expiresAt: 1_700_000_000_000,
  auditIds: [Buffer.alloc(16, 7).toString('base64url')],
}
const federation = { groupIds: [id('b'), 'not-hex'], identityProviderId: 'ipsilon', protocolId: 'saml2' }
const project = { kind: 'project', projectId: id('c') } as const

const payloads: Record<string, TokenPayload> = {
  unscoped: { ...base, scope: { kind: 'unscoped' } },
  'a domain with a uuid': { ...base, scope: { kind: 'domain', domainId: id('d') } },
  'the default domain': { ...base, scope: { kind: 'domain', domainId: 'default' } },
  'a project': { ...base, scope: project },
  'the system': { ...base, scope: { kind: 'system' } },
  'a trust': { ...base, scope: project, trustId: id('e') },
  'an OAuth 1 access token': { ...base, scope: project, accessTokenId: id('f') },
  'an application credential': { ...base, scope: project, applicationCredentialId: id('1') },
  'a client certificate': { ...base, scope: project, thumbprint: 'x5t' },
  'federation, unscoped': { ...base, scope: { kind: 'unscoped' }, federation },
  'federation, a project': { ...base, scope: project, federation },
  'federation, a domain': { ...base, scope: { kind: 'domain', domainId: 'default' }, federation },
  'a user whose id is no uuid': { ...base, userId: 'x'.repeat(64), scope: { kind: 'unscoped' } },
}

for (const [name, payload] of Object.entries(payloads)) {
  test(`a payload comes back whole: ${name}`, () => {
    assert.deepEqual(unpackPayload(packPayload(payload, defaultMethods), defaultMethods), payload)
  })
}

test('the marks of signatures and certificates come back, in the bits that keystone gives them', () => {
  const [signature, certificate] = ['ec2credential', 'oauth2_credential'].map((method) => [method, 'password'])
  assert.deepEqual(methodsOf(methodBits(signature!, defaultMethods), defaultMethods).toSorted(), signature)
  assert.equal(methodBits(['ec2credential'], defaultMethods), 2 ** 32)
  assert.equal(methodBits(['oauth2_credential'], []), 2 ** 33)
  for (const methods of [signature!, certificate!]) {
    const payload = { ...base, methods, scope: project }
    const back = unpackPayload(packPayload(payload, defaultMethods), defaultMethods)
    assert.deepEqual(back?.methods.toSorted(), methods)
  }
})

test('a trust stays in the token of a federated trustee', () => {
  const payload = { ...base, scope: project, federation, trustId: id('e') }
  const back = unpackPayload(packPayload(payload, defaultMethods), defaultMethods)
  assert.deepEqual(back, { ...base, scope: project, trustId: id('e') })
})

test('a method that is not configured has no bit, and an unknown version is no token', () => {
  const packed = packPayload({ ...base, methods: ['kerberos'], scope: project }, defaultMethods)
  assert.deepEqual(unpackPayload(packed, defaultMethods)?.methods, [])
  packed[1] = 99
  assert.equal(unpackPayload(packed, defaultMethods), undefined)
})
