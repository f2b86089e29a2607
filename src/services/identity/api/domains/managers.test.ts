import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startIdentity } from '../../testing/identity.ts'

/** Two domains with a project each, and the first one's manager. */
async function setUp(t: TestContext) {
  const identity = await startIdentity(t)
  const domainOf = async (name: string) => {
    const { id } = await identity.make('POST', '/domains', { domain: { name } })
    const project = await identity.make('POST', '/projects', { project: { name: 'p', domain_id: id } })
    const user = await identity.make('POST', '/users', { user: { name: 'u', domain_id: id } })
    return { id, project: project.id, user: user.id }
  }
  const [own, other] = [await domainOf('own'), await domainOf('other')]
  const { token } = await identity.persona('manager', { domain: own.id }, own.id)
  const status = async (method: string, path: string, body?: object) =>
    (await identity.request(method, path, { token, ...(body && { body }) })).status
  return { identity, own, other, token, status }
}

test('B1: a domain’s manager makes projects in his domain, whatever the body leaves to be derived', async (t) => {
  const { identity, own, other, token, status } = await setUp(t)
  const create = (project: object) =>
    status('POST', '/projects', { project: { name: crypto.randomUUID(), ...project } })
  for (const parent_id of [other.id, other.project])
    for (const named of [{}, { domain_id: null }, { domain_id: own.id }, { domain_id: other.id }, { is_domain: false }])
      assert.ok([400, 403].includes(await create({ parent_id, ...named })), JSON.stringify({ parent_id, ...named }))
  assert.equal(await create({ parent_id: other.project }), 403)
  assert.equal(await create({ domain_id: other.id }), 403)
  assert.equal(await create({ is_domain: true }), 403)
  assert.equal(await create({ is_domain: true, domain_id: own.id }), 403)
  const below = await identity.make<object[]>('GET', `/projects?domain_id=${other.id}`)
  assert.equal(below.length, 1)
  for (const place of [{}, { parent_id: own.id }, { parent_id: own.project }, { domain_id: own.id }]) {
    const body = { project: { name: crypto.randomUUID(), ...place } }
    const made = await identity.make<{ domain_id: string }>('POST', '/projects', body, token)
    assert.equal(made.domain_id, own.id, JSON.stringify(place))
  }
  const moved = { parent_id: other.project, domain_id: other.id }
  for (const change of [moved, { parent_id: other.id }, { domain_id: other.id }, { is_domain: true }])
    assert.ok([400, 403].includes(await status('PATCH', `/projects/${own.project}`, { project: change })))
  assert.equal(await status('PATCH', `/projects/${other.project}`, { project: { enabled: false } }), 403)
})

test('B1: a domain’s manager makes users, groups and memberships in his domain only', async (t) => {
  const { identity, own, other, token, status } = await setUp(t)
  const name = () => crypto.randomUUID()
  for (const domain_id of [other.id, 'default']) {
    assert.equal(await status('POST', '/users', { user: { name: name(), domain_id } }), 403)
    assert.equal(await status('POST', '/groups', { group: { name: name(), domain_id } }), 403)
    assert.equal(await status('POST', '/roles', { role: { name: name(), domain_id } }), 403)
  }
  assert.equal(await status('POST', '/roles', { role: { name: name(), domain_id: own.id } }), 403)
  const group = await identity.make<{ id: string; domain_id: string }>(
    'POST',
    '/groups',
    { group: { name: 'g' } },
    token,
  )
  assert.equal(group.domain_id, own.id)
  const foreign = await identity.make('POST', '/groups', { group: { name: 'g', domain_id: other.id } })
  assert.equal(await status('PUT', `/groups/${group.id}/users/${own.user}`), 204)
  assert.equal(await status('PUT', `/groups/${group.id}/users/${other.user}`), 403)
  assert.equal(await status('PUT', `/groups/${foreign.id}/users/${own.user}`), 403)
  for (const [kind, id] of [
    ['user', other.user],
    ['group', foreign.id],
  ]) {
    assert.equal(await status('PATCH', `/${kind}s/${id}`, { [kind!]: { description: 'x', domain_id: own.id } }), 403)
    assert.equal(await status('DELETE', `/${kind}s/${id}`), 403)
  }
  assert.equal(await status('PATCH', `/users/${own.user}`, { user: { domain_id: other.id } }), 400)
})

test('B1: a domain’s manager grants the small roles, to its people, on it and its projects', async (t) => {
  const { identity, own, other, status } = await setUp(t)
  const [member, admin] = [await identity.roleId('member'), await identity.roleId('admin')]
  const roleOf = async (domain_id: string) =>
    (await identity.make('POST', '/roles', { role: { name: 'member', domain_id } })).id
  const [ownRole, foreignRole] = [await roleOf(own.id), await roleOf(other.id)]
  const grant = (place: string, user: string, role: string, end = '') =>
    status('PUT', `${place}/users/${user}/roles/${role}${end}`)
  assert.equal(await grant(`/projects/${own.project}`, own.user, member), 204)
  assert.equal(await grant(`/domains/${own.id}`, own.user, ownRole), 204)
  const refused: [string, string, string][] = [
    [`/projects/${own.project}`, own.user, admin],
    [`/projects/${own.project}`, other.user, member],
    [`/projects/${other.project}`, own.user, member],
    [`/projects/${other.id}`, own.user, member],
    [`/projects/${own.id}`, own.user, member],
    [`/domains/${other.id}`, own.user, member],
    [`/domains/${own.id}`, other.user, member],
    [`/domains/${own.id}`, own.user, foreignRole],
    [`/projects/${own.project}`, own.user, foreignRole],
    ['/system', own.user, member],
  ]
  for (const [place, user, role] of refused) {
    assert.equal(await grant(place, user, role), 403, `${place} ${role}`)
    if (place === '/system') continue
    assert.equal(await grant(`/OS-INHERIT${place}`, user, role, '/inherited_to_projects'), 403, `inherited ${place}`)
  }
  assert.equal(await status('PUT', `/roles/${ownRole}/implies/${admin}`), 403)
})

test('B1: a domain’s manager gives his users no logins of another domain’s identity provider', async (t) => {
  const { identity, own, other, token } = await setUp(t)
  const provider = async (idp: string, domain_id: string) => {
    await identity.make('PUT', `/OS-FEDERATION/identity_providers/${idp}`, { identity_provider: { domain_id } })
    await identity.make('PUT', `/OS-FEDERATION/mappings/${idp}`, {
      mapping: { rules: [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'REMOTE_USER' }] }] },
    })
    const path = `/OS-FEDERATION/identity_providers/${idp}/protocols/saml2`
    await identity.make('PUT', path, { protocol: { mapping_id: idp } })
  }
  await provider('ours', own.id)
  await provider('theirs', other.id)
  const by = (idp_id: string) => [{ idp_id, protocols: [{ protocol_id: 'saml2', unique_id: `victim-${idp_id}` }] }]
  const ask = async (method: string, path: string, user: object, as = token) =>
    (await identity.request(method, path, { token: as, body: { user } })).status
  const create = (idp: string) => ask('POST', '/users', { name: `by-${idp}`, domain_id: own.id, federated: by(idp) })
  const change = (idps: string[], as = token) => ask('PATCH', `/users/${own.user}`, { federated: idps.flatMap(by) }, as)
  assert.equal(await create('theirs'), 403)
  assert.equal(await create('ours'), 201)
  assert.equal(await change(['theirs']), 403)
  assert.equal(await change(['theirs'], identity.admin), 200, 'who manages identity providers may')
  assert.equal(await change(['theirs']), 200, 'what was given is kept')
})

test('B1: a domain’s manager touches no limits, endpoint groups, trusts or settings of others', async (t) => {
  const { own, other, status } = await setUp(t)
  const limit = { service_id: 'x', resource_name: 'cores', resource_limit: 1 }
  for (const place of [{ project_id: other.project }, { domain_id: other.id }, { domain_id: own.id }])
    assert.equal(await status('POST', '/limits', { limits: [{ ...limit, ...place }] }), 403)
  assert.equal(
    await status('POST', '/OS-EP-FILTER/endpoint_groups', { endpoint_group: { name: 'g', filters: {} } }),
    403,
  )
  assert.equal(await status('PUT', `/OS-EP-FILTER/projects/${other.project}/endpoints/x`), 403)
  assert.equal(await status('PUT', `/domains/${other.id}/config`, { config: { identity: { driver: 'sql' } } }), 403)
  assert.equal(await status('PATCH', `/domains/${other.id}`, { domain: { enabled: false } }), 403)
  const trust = {
    trustor_user_id: other.user,
    trustee_user_id: own.user,
    impersonation: true,
    project_id: other.project,
  }
  assert.equal(await status('POST', '/OS-TRUST/trusts', { trust: { ...trust, roles: [{ name: 'member' }] } }), 403)
  assert.equal(await status('PUT', `/projects/${other.project}/tags/x`), 403)
  assert.equal(await status('POST', `/users/${other.user}/credentials/OS-EC2`, { tenant_id: other.project }), 403)
})
