import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PolicyEnforcer } from '../auth/policy.ts'
import { Secret } from '../auth/secret.ts'
import { authenticate } from './authenticate.ts'
import type { Authenticator } from './service.ts'

const bearer = (name: string, roles: readonly string[]) => ({
  userId: name,
  userName: name,
  userDomainId: 'default',
  projectId: 'p1',
  projectName: 'p1',
  projectDomainId: 'default',
  domainId: null,
  systemScope: null,
  roles,
  expiresAt: '2030-01-01T00:00:00Z',
  token: new Secret(name),
  applicationCredentialId: null,
  auditId: 'a',
})

const known: Record<string, ReturnType<typeof bearer>> = {
  ann: bearer('ann', ['member']),
  late: bearer('late', ['member']),
  nova: bearer('nova', ['service']),
}

const ask = (headers: Record<string, string>, serviceTokens?: Authenticator['serviceTokens']) => {
  const authenticator: Authenticator = {
    ...(serviceTokens && { serviceTokens }),
    validate: async (token, { allowExpired = false } = {}) =>
      token === 'late' && !allowExpired ? null : (known[token] ?? null),
  }
  const enforcer = new PolicyEnforcer([], {})
  const options = { type: 'compute', authenticator, enforcer, authUrl: 'http://keystone/v3' }
  return authenticate(options, {}, { method: 'GET', url: '/', headers }, '/', 'req-1')
}

test('a service token says for whom; one that is not good is refused', async () => {
  const ctx = await ask({ 'x-auth-token': 'ann', 'x-service-token': 'nova' })
  assert.deepEqual([ctx.userId, ctx.serviceRoles], ['ann', ['service']])
  await assert.rejects(ask({ 'x-auth-token': 'ann', 'x-service-token': 'unknown' }), { status: 401 })
  await assert.rejects(ask({ 'x-service-token': 'nova' }), { status: 401 })
})

test('beside a token with the role of services a user’s own may have expired; no other token has that power', async () => {
  await assert.rejects(ask({ 'x-auth-token': 'late' }), { status: 401 })
  assert.equal((await ask({ 'x-auth-token': 'late', 'x-service-token': 'nova' })).userId, 'late')
  await assert.rejects(ask({ 'x-auth-token': 'late', 'x-service-token': 'ann' }), { status: 401 })
})

test('service_token_roles names the roles; where they are required, others are refused', async () => {
  const both = { 'x-auth-token': 'ann', 'x-service-token': 'nova' }
  assert.equal((await ask(both, { roles: ['service'], isRequired: true })).userId, 'ann')
  await assert.rejects(ask(both, { roles: ['other'], isRequired: true }), { status: 401 })
  assert.equal((await ask(both, { roles: ['other'], isRequired: false })).userId, 'ann')
})
