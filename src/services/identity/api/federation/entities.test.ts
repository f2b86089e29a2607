import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestIdentity, type TestIdentity } from '../../testing/identity.ts'

let identity: TestIdentity
before(async () => void (identity = await createTestIdentity()))
after(() => identity.close())

const base = '/OS-FEDERATION'
const rules = [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'UserName' }] }]
const send = (method: string, path: string, json?: unknown) => identity.send(identity.admin, method, base + path, json)
const messageOf = (body: unknown) => (body as { error: { message: string } }).error.message

async function makeIdp(id: string, attributes: object = {}) {
  const { body } = await send('PUT', `/identity_providers/${id}`, { identity_provider: attributes })
  return body['identity_provider']!
}

test('an identity provider is disabled, has no remote ids and a domain of its own by default', async () => {
  const { status, body } = await send('PUT', '/identity_providers/defaults', { identity_provider: {} })
  assert.equal(status, 201)
  const idp = body['identity_provider']!
  const { domain_id: domainId, ...rest } = idp
  assert.deepEqual(rest, {
    id: 'defaults',
    enabled: false,
    description: null,
    authorization_ttl: null,
    remote_ids: [],
    links: {
      self: 'http://identity/v3/OS-FEDERATION/identity_providers/defaults',
      protocols: 'http://identity/v3/OS-FEDERATION/identity_providers/defaults/protocols',
    },
  })
  const { domain } = await identity.whole('GET', `/domains/${String(domainId)}`)
  assert.equal(domain!['description'], 'Auto generated federated domain for Identity Provider: defaults')
})

test('an identity provider can be put into a domain; an unknown one is refused and nothing is made', async () => {
  assert.equal((await makeIdp('in-default', { domain_id: 'default' }))['domain_id'], 'default')
  const answer = await send('PUT', '/identity_providers/lost', { identity_provider: { domain_id: 'nowhere' } })
  assert.equal(answer.status, 404)
  assert.equal((await send('GET', '/identity_providers/lost')).status, 404)
})

test('remote ids belong to one identity provider', async () => {
  await makeIdp('first', { remote_ids: ['https://a', 'https://b'] })
  const taken = await send('PUT', '/identity_providers/second', { identity_provider: { remote_ids: ['https://b'] } })
  assert.equal(taken.status, 409)
  assert.equal(
    messageOf(taken.body),
    'Conflict occurred attempting to store identity_provider - Duplicate remote ID: https://b.',
  )
  await makeIdp('second')
  const update = await send('PATCH', '/identity_providers/second', { identity_provider: { remote_ids: ['https://a'] } })
  assert.equal(update.status, 409)
  const own = await send('PATCH', '/identity_providers/first', { identity_provider: { remote_ids: ['https://b'] } })
  assert.deepEqual(own.body['identity_provider']!['remote_ids'], ['https://b'])
  const freed = await send('PATCH', '/identity_providers/second', { identity_provider: { remote_ids: ['https://a'] } })
  assert.equal(freed.status, 200)
})

test('a second identity provider of the same id is a conflict', async () => {
  await makeIdp('twice')
  const answer = await send('PUT', '/identity_providers/twice', { identity_provider: {} })
  assert.equal(answer.status, 409)
  assert.match(messageOf(answer.body), /Duplicate entry: twice/)
})

test('lists are filtered by id and enabled', async () => {
  await makeIdp('on', { enabled: true })
  await makeIdp('off')
  const idsOf = async (query: string) =>
    ((await send('GET', `/identity_providers?${query}`)).body['identity_providers'] as unknown as { id: string }[]).map(
      (each) => each.id,
    )
  assert.ok((await idsOf('enabled=true')).includes('on'))
  assert.ok(!(await idsOf('enabled=true')).includes('off'))
  assert.deepEqual(await idsOf('id=off'), ['off'])
})

for (const [title, body] of [
  ['an unknown attribute', { identity_provider: { nonsense: 1 } }],
  ['enabled as text', { identity_provider: { enabled: 'false' } }],
  ['a negative ttl', { identity_provider: { authorization_ttl: -1 } }],
  ['a remote id twice', { identity_provider: { remote_ids: ['x', 'x'] } }],
] as const) {
  test(`an identity provider with ${title} is refused`, async () => {
    assert.equal((await send('PUT', '/identity_providers/bad', body)).status, 400)
  })
}

test('the domain of an identity provider cannot be changed', async () => {
  await makeIdp('fixed')
  const body = { identity_provider: { domain_id: 'default' } }
  assert.equal((await send('PATCH', '/identity_providers/fixed', body)).status, 400)
})

test('an id of more than 64 characters is refused', async () => {
  const body = { identity_provider: {} }
  assert.equal((await send('PUT', `/identity_providers/${'x'.repeat(65)}`, body)).status, 400)
})

test('a protocol needs an existing mapping and lives with its identity provider', async () => {
  await makeIdp('with-protocols')
  const path = '/identity_providers/with-protocols/protocols/saml2'
  const unknown = await send('PUT', path, { protocol: { mapping_id: 'none' } })
  assert.equal(unknown.status, 400)
  assert.equal(messageOf(unknown.body), 'Invalid mapping id: none')
  await send('PUT', '/mappings/m1', { mapping: { rules } })
  await send('PUT', '/mappings/m2', { mapping: { rules } })
  const made = await send('PUT', path, {
    protocol: { mapping_id: 'm1', remote_id_attribute: 'Shib-Identity-Provider' },
  })
  assert.equal(made.status, 201)
  assert.equal(made.body['protocol']!['mapping_id'], 'm1')
  assert.equal((await send('PUT', path, { protocol: { mapping_id: 'm1' } })).status, 409)
  const changed = await send('PATCH', path, { protocol: { mapping_id: 'm2' } })
  assert.equal(changed.body['protocol']!['mapping_id'], 'm2')
  assert.equal(changed.body['protocol']!['remote_id_attribute'], 'Shib-Identity-Provider')
  assert.equal((await send('PATCH', path, { protocol: { mapping_id: 'none' } })).status, 400)
  const list = await send('GET', '/identity_providers/with-protocols/protocols')
  assert.equal((list.body['protocols'] as unknown as object[]).length, 1)
  // B2: a child belongs to the parent in its address.
  await makeIdp('other-parent')
  const foreign = await send('GET', '/identity_providers/other-parent/protocols/saml2')
  assert.equal(foreign.status, 404)
  assert.equal(messageOf(foreign.body), 'Could not find federated protocol saml2 for Identity Provider: other-parent.')
  assert.equal((await send('DELETE', '/identity_providers/with-protocols')).status, 204)
  assert.equal((await send('GET', path)).status, 404)
})

test('a mapping keeps its rules and its version', async () => {
  const made = await send('PUT', '/mappings/kept', { mapping: { rules } })
  assert.equal(made.status, 201)
  assert.deepEqual(made.body['mapping'], {
    id: 'kept',
    rules,
    schema_version: '1.0',
    links: { self: 'http://identity/v3/OS-FEDERATION/mappings/kept' },
  })
  const changed = await send('PATCH', '/mappings/kept', { mapping: { rules, schema_version: '2.0' } })
  assert.equal(changed.body['mapping']!['schema_version'], '2.0')
  assert.equal((await send('PUT', '/mappings/kept', { mapping: { rules } })).status, 409)
  assert.equal((await send('DELETE', '/mappings/kept')).status, 204)
  const gone = await send('GET', '/mappings/kept')
  assert.equal(messageOf(gone.body), 'Could not find mapping: kept.')
})

const local = [{ user: { name: 'x' } }]
const remote = [{ type: 'UserName' }]
for (const [title, mapping] of [
  ['without rules', {}],
  ['with no rule', { rules: [] }],
  ['without conditions', { rules: [{ local, remote: [] }] }],
  ['without local', { rules: [{ remote }] }],
  ['without a type', { rules: [{ local, remote: [{ any_one_of: ['x'] }] }] }],
  ['with two kinds of condition', { rules: [{ local, remote: [{ type: 'x', any_one_of: [], whitelist: [] }] }] }],
  ['with an unknown local key', { rules: [{ local: [{ usr: {} }], remote }] }],
  ['with a group without a domain', { rules: [{ local: [{ group: { name: 'x' } }], remote }] }],
  ['with a group by id and domain', { rules: [{ local: [{ group: { id: 'x', domain: { id: 'y' } } }], remote }] }],
  ['with a user of another type', { rules: [{ local: [{ user: { type: 'root' } }], remote }] }],
  [
    'with the domain of a project in 1.0',
    { rules: [{ local: [{ projects: [{ name: 'p', roles: [], domain: {} }] }], remote }] },
  ],
  [
    'with a pattern that cannot be compiled',
    { rules: [{ local, remote: [{ type: 'x', whitelist: ['('], regex: true }] }] },
  ],
  [
    'P6: with a pattern that can run for ever',
    { rules: [{ local, remote: [{ type: 'x', whitelist: ['(a+)+$'], regex: true }] }] },
  ],
  ['of an unknown version', { rules, schema_version: '9.9' }],
] as const) {
  test(`a mapping ${title} is refused`, async () => {
    assert.equal((await send('PUT', '/mappings/bad', { mapping })).status, 400)
    assert.equal((await send('GET', '/mappings/bad')).status, 404)
  })
}

test('a service provider is disabled by default and needs its addresses', async () => {
  const urls = { auth_url: 'https://sp/auth', sp_url: 'https://sp/SAML2' }
  const made = await send('PUT', '/service_providers/sp', { service_provider: urls })
  assert.equal(made.status, 201)
  assert.deepEqual(made.body['service_provider'], {
    id: 'sp',
    enabled: false,
    description: null,
    relay_state_prefix: 'ss:mem:',
    ...urls,
    links: { self: 'http://identity/v3/OS-FEDERATION/service_providers/sp' },
  })
  assert.equal((await send('PUT', '/service_providers/x', { service_provider: {} })).status, 400)
  const bad = await send('PUT', '/service_providers/x', { service_provider: { ...urls, auth_url: 'no-url' } })
  assert.equal(bad.status, 400)
  assert.equal((await send('PATCH', '/service_providers/sp', { service_provider: { sp_url: 'no' } })).status, 400)
  const on = await send('PATCH', '/service_providers/sp', { service_provider: { enabled: true } })
  assert.equal(on.body['service_provider']!['enabled'], true)
  assert.equal((await send('DELETE', '/service_providers/sp')).status, 204)
  assert.equal(messageOf((await send('GET', '/service_providers/sp')).body), 'Could not find Service Provider: sp.')
})

test('B9: federation is for administrators to change and for system readers to see', async () => {
  const reader = await identity.persona('reader', 'system')
  const { domain } = await identity.whole('POST', '/domains', { domain: { name: 'personas' } })
  const manager = await identity.persona('manager', { domain: domain!.id }, domain!.id)
  for (const path of ['/identity_providers', '/mappings', '/service_providers']) {
    assert.equal((await identity.send(reader.token, 'GET', base + path)).status, 200, path)
    assert.equal((await identity.send(manager.token, 'GET', base + path)).status, 403, path)
    assert.equal((await identity.send(null, 'GET', base + path)).status, 401, path)
    assert.equal((await identity.send(reader.token, 'PUT', `${base + path}/new`, bodyOf(path))).status, 403, path)
    assert.equal((await identity.send(reader.token, 'DELETE', `${base + path}/new`)).status, 403, path)
  }
})

const bodyOf = (path: string) =>
  path === '/mappings'
    ? { mapping: { rules } }
    : path === '/service_providers'
      ? { service_provider: { auth_url: 'https://x', sp_url: 'https://x' } }
      : { identity_provider: {} }
