import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startIdentity } from '../testing/identity.ts'

test('names mean the same whatever their case, at logins and in listings', async (t) => {
  const identity = await startIdentity(t)
  const login = (user: object, scope: object) =>
    identity.authenticate({ methods: ['password'], password: { user: { password: 'admin-password', ...user } } }, scope)
  for (const [name, domain, project] of [
    ['admin', 'default', 'admin'],
    ['Admin', 'Default', 'ADMIN'],
    ['ADMIN', 'DEFAULT', 'Admin'],
  ]) {
    const scope = { project: { name: project, domain: { name: domain } } }
    const answer = await login({ name, domain: { name: domain } }, scope)
    assert.equal(answer.status, 201, `${name} ${domain} ${project}: ${JSON.stringify(answer.body)}`)
    const token = answer.body['token'] as { user: { name: string; domain: { name: string } } }
    assert.deepEqual([token.user.name, token.user.domain.name], ['admin', 'Default'], 'as they were written')
    assert.equal((await login({ name, domain: { id: 'default' } }, { domain: { name: 'nowhere' } })).status, 401)
  }
  const [found] = await identity.make<{ name: string }[]>('GET', '/users?name=ADMIN')
  assert.equal(found?.name, 'admin')
  assert.equal((await identity.make<object[]>('GET', '/domains?name=dEFAULT')).length, 1)
  assert.equal((await identity.make<object[]>('GET', '/roles?name=Member')).length, 1)
})

test('a name that differs only by case from another is taken', async (t) => {
  const identity = await startIdentity(t)
  const kinds = { project: 'projects', user: 'users', group: 'groups', role: 'roles', domain: 'domains' }
  for (const [kind, plural] of Object.entries(kinds)) {
    const create = (name: string) => identity.request('POST', `/${plural}`, { body: { [kind]: { name } } })
    const made = await create('Straße')
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const { id } = (made.body as Record<string, { id: string }>)[kind]!
    for (const name of ['straße', 'STRAßE', 'Straße']) assert.equal((await create(name)).status, 409, `${kind} ${name}`)
    assert.equal((await create('another')).status, 201)
    const rename = async (name: string) =>
      (await identity.request('PATCH', `/${plural}/${id}`, { body: { [kind]: { name } } })).status
    assert.equal(await rename('Another'), 409, kind)
    assert.equal(await rename('STRAßE'), 200, `${kind}: its own name in another case`)
    const [row] = await identity.make<{ name: string }[]>('GET', `/${plural}?name=${encodeURIComponent('straße')}`)
    assert.equal(row?.name, 'STRAßE')
  }
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  const user = await identity.member('joe', project.id)
  const base = `/users/${user.id}/application_credentials`
  const create = (name: string) =>
    identity.request('POST', base, { token: user.token, body: { application_credential: { name, secret: 's' } } })
  assert.equal((await create('Deploy')).status, 201)
  assert.equal((await create('deploy')).status, 409)
  const byName = await identity.authenticate({
    methods: ['application_credential'],
    application_credential: { name: 'DEPLOY', secret: 's', user: { name: 'JOE', domain: { name: 'default' } } },
  })
  assert.equal(byName.status, 201)
})

test('a change that is refused because the name is taken has changed nothing', async (t) => {
  const identity = await startIdentity(t)
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  const user = await identity.member('joe', project.id)
  await identity.make(
    'POST',
    `/users/${user.id}/application_credentials`,
    {
      application_credential: { name: 'deploy', secret: 's' },
    },
    user.token,
  )
  const refused = await identity.request('PATCH', `/users/${user.id}`, {
    body: { user: { name: 'ADMIN', enabled: false } },
  })
  assert.equal(refused.status, 409)
  const listed = await identity.request('GET', `/users/${user.id}/application_credentials`, { token: user.token })
  assert.equal(listed.status, 200, 'his tokens are good')
  assert.equal((listed.body as { application_credentials: object[] }).application_credentials.length, 1)
})
