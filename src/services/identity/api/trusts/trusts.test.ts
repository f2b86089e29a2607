import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { byPassword, startIdentity } from '../../testing/identity.ts'

interface Trust {
  id: string
  expires_at: string | null
  remaining_uses: number | null
  redelegation_count: number
  roles: { id: string; name: string }[]
}

async function setUp(t: TestContext, configuration = '') {
  const identity = await startIdentity(t, configuration)
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  const trustor = await identity.member('trustor', project.id)
  await identity.grant('reader', `/projects/${project.id}/users/${trustor.id}`)
  const trustee = await identity.make('POST', '/users', { user: { name: 'trustee', password: 'secret' } })
  const trust = (more: object = {}, token = trustor.token) =>
    identity.request('POST', '/OS-TRUST/trusts', {
      token,
      body: {
        trust: {
          trustor_user_id: trustor.id,
          trustee_user_id: trustee.id,
          impersonation: false,
          project_id: project.id,
          roles: [{ name: 'reader' }],
          ...more,
        },
      },
    })
  const make = async (more: object = {}) => {
    const answer = await trust(more)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.body['trust'] as Trust
  }
  const consume = (id: string, name = 'trustee', password = 'secret') =>
    identity.authenticate(byPassword(name, password), { 'OS-TRUST:trust': { id } })
  return { identity, project, trustor, trustee, trust, make, consume }
}

test('A5: a token of a trust has the roles of the trust and no other, for its project', async (t) => {
  const { trustor, trustee, make, consume, project } = await setUp(t)
  const answer = await consume((await make()).id)
  assert.equal(answer.status, 201)
  const token = answer.body['token'] as Record<string, unknown>
  assert.deepEqual(
    (token['roles'] as { name: string }[]).map((role) => role.name),
    ['reader'],
  )
  assert.deepEqual(token['OS-TRUST:trust'], {
    id: (token['OS-TRUST:trust'] as { id: string }).id,
    impersonation: false,
    trustor_user: { id: trustor.id },
    trustee_user: { id: trustee.id },
  })
  assert.equal((token['user'] as { id: string }).id, trustee.id)
  assert.equal((token['project'] as { id: string }).id, project.id)
})

test('with impersonation the token is the trustor’s', async (t) => {
  const { trustor, make, consume } = await setUp(t)
  const answer = await consume((await make({ impersonation: true })).id)
  assert.equal((answer.body['token'] as { user: { id: string } }).user.id, trustor.id)
})

test('only the trustor makes a trust, only with roles that he has, and only the trustee uses it', async (t) => {
  const { identity, trust, make, consume, project } = await setUp(t)
  assert.equal((await trust({}, identity.admin)).status, 403)
  assert.equal((await trust({ roles: [{ name: 'admin' }] })).status, 404)
  assert.equal((await trust({ roles: [] })).status, 403)
  assert.equal((await trust({ trustee_user_id: 'nobody' })).status, 404)
  assert.equal((await trust({ expires_at: '2001-01-01T00:00:00Z' })).status, 400)
  assert.equal((await trust({ expires_at: 'soon' })).status, 400)
  assert.equal((await trust({ remaining_uses: 0 })).status, 400)
  const { id } = await make()
  assert.equal((await consume(id, 'trustor', 'secret-trustor')).status, 403)
  const stranger = await identity.member('stranger', project.id)
  const seen = (path: string) => identity.request('GET', path, { token: stranger.token })
  assert.equal((await seen(`/OS-TRUST/trusts/${id}`)).status, 403)
  assert.equal((await seen('/OS-TRUST/trusts')).status, 403)
})

test('A4: a token of a trust makes no other token, credential or trust beyond itself', async (t) => {
  const { identity, trustor, trustee, make, consume, trust, project } = await setUp(t)
  const token = (await consume((await make({ impersonation: true })).id)).headers['X-Subject-Token']!
  const rescoped = await identity.authenticate({ methods: ['token'], token: { id: token } }, 'unscoped')
  assert.equal(rescoped.status, 403)
  const credential = { application_credential: { name: 'x' } }
  const path = `/users/${trustor.id}/application_credentials`
  assert.equal((await identity.request('POST', path, { token, body: credential })).status, 403)
  assert.equal((await trust({}, token)).status, 403, 'the trust is not redelegatable')
  const other = await identity.make('POST', '/projects', { project: { name: 'other' } })
  const ec2 = {
    credential: { type: 'ec2', user_id: trustor.id, project_id: other.id, blob: '{"access":"a","secret":"s"}' },
  }
  assert.equal((await identity.request('POST', '/credentials', { token, body: ec2 })).status, 403)
  void [trustee, project]
})

test('A4: a token of a trust sees and ends that trust and those redelegated from it, no other', async (t) => {
  const { identity, trustor, make, consume, trust } = await setUp(t)
  const other = await make()
  const own = await make({ allow_redelegation: true, impersonation: true })
  const token = (await consume(own.id)).headers['X-Subject-Token']!
  const below = await trust({ impersonation: true }, token)
  assert.equal(below.status, 201, JSON.stringify(below.body))
  const { id: belowId } = below.body['trust'] as Trust
  const path = '/OS-TRUST/trusts'
  for (const way of [`${path}/${other.id}`, `${path}/${other.id}/roles`])
    assert.equal((await identity.request('GET', way, { token })).status, 403, way)
  assert.equal((await identity.request('DELETE', `${path}/${other.id}`, { token })).status, 403)
  const listed = await identity.make<Trust[]>('GET', `${path}?trustor_user_id=${trustor.id}`, undefined, token)
  assert.deepEqual(listed.map(({ id }) => id).toSorted(), [own.id, belowId].toSorted())
  for (const id of [belowId, own.id]) {
    assert.equal((await identity.request('GET', `${path}/${id}`, { token })).status, 200)
    assert.equal((await identity.request('DELETE', `${path}/${id}`, { token })).status, 204)
  }
  assert.equal((await identity.request('GET', `${path}/${other.id}`, { token: trustor.token })).status, 200)
})

test('A7: deleting the trust, the trustor’s role or the trustor ends its tokens', async (t) => {
  const { identity, trustor, make, consume, project } = await setUp(t)
  const isValid = async (token: string) =>
    (await identity.request('GET', '/auth/tokens', { headers: { 'x-subject-token': token } })).status === 200
  const issue = async (id: string) => (await consume(id)).headers['X-Subject-Token']!
  const first = await make()
  const token = await issue(first.id)
  assert.ok(await isValid(token))
  await identity.make('DELETE', `/OS-TRUST/trusts/${first.id}`, undefined, trustor.token)
  assert.ok(!(await isValid(token)))
  assert.equal((await identity.request('GET', `/OS-TRUST/trusts/${first.id}`)).status, 404)
  assert.equal((await consume(first.id)).status, 401)
  const second = await make()
  const other = await issue(second.id)
  for (const role of ['reader', 'member'])
    await identity.make('DELETE', `/projects/${project.id}/users/${trustor.id}/roles/${await identity.roleId(role)}`)
  assert.ok(!(await isValid(other)))
  assert.equal((await consume(second.id)).status, 403)
})

test('a trust with few uses gives as many tokens, also to requests at the same time', async (t) => {
  const { make, consume, identity } = await setUp(t)
  const { id } = await make({ remaining_uses: 2 })
  const answers = await Promise.all([1, 2, 3, 4].map(() => consume(id)))
  assert.deepEqual(answers.map((answer) => answer.status).toSorted(), [201, 201, 401, 401])
  assert.equal((await identity.request('GET', `/OS-TRUST/trusts/${id}`)).status, 404)
})

test('A6: a token ends with the trust', async (t) => {
  const { make, consume } = await setUp(t)
  const end = new Date(Date.now() + 60_000).toISOString()
  const { id } = await make({ expires_at: end })
  const token = (await consume(id)).body['token'] as { expires_at: string }
  assert.ok(Date.parse(token.expires_at) <= Date.parse(end))
})

test('redelegation: never more than the trust before, ever less deep, and gone with it', async (t) => {
  const { identity, trustor, trustee, make, consume } = await setUp(t)
  const first = await make({ allow_redelegation: true, impersonation: true })
  assert.equal(first.redelegation_count, 3)
  const token = (await consume(first.id)).headers['X-Subject-Token']!
  const third = await identity.make('POST', '/users', { user: { name: 'third', password: 'secret' } })
  const again = (more: object) =>
    identity.request('POST', '/OS-TRUST/trusts', {
      token,
      body: {
        trust: {
          trustor_user_id: trustor.id,
          trustee_user_id: third.id,
          impersonation: true,
          project_id: (first as never as { project_id: string }).project_id,
          roles: [{ name: 'reader' }],
          allow_redelegation: true,
          ...more,
        },
      },
    })
  assert.equal((await again({ roles: [{ name: 'member' }] })).status, 403)
  assert.equal((await again({ redelegation_count: 1 })).status, 403)
  const answer = await again({})
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  const second = answer.body['trust'] as Trust
  assert.equal(second.redelegation_count, 2)
  assert.equal((await consume(second.id, 'third')).status, 201)
  await identity.make('DELETE', `/OS-TRUST/trusts/${first.id}`)
  assert.equal((await consume(second.id, 'third')).status, 401)
  void trustee
})
