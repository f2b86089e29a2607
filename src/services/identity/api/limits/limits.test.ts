import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startIdentity } from '../../testing/identity.ts'

async function setUp(t: TestContext, configuration = '') {
  const identity = await startIdentity(t, configuration)
  const service = await identity.make('POST', '/services', { service: { type: 'compute', name: 'nova' } })
  const domain = await identity.make('POST', '/domains', { domain: { name: 'corp' } })
  const project = await identity.make('POST', '/projects', { project: { name: 'dev', domain_id: domain.id } })
  const key = { service_id: service.id, resource_name: 'cores' }
  const [registered] = await identity.make<{ id: string }[]>('POST', '/registered_limits', {
    registered_limits: [{ ...key, default_limit: 10 }],
  })
  const system = await identity.login('admin', 'admin-password', { system: { all: true } })
  const create = (...limits: object[]) =>
    identity.request('POST', '/limits', { body: { limits: limits.map((each) => ({ ...key, ...each })) } })
  const limitOf = async (place: object, resource_limit: number) => {
    const answer = await create({ ...place, resource_limit })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return (answer.body['limits'] as { id: string }[])[0]!
  }
  return { identity, service, domain, project, key, registered: registered!, create, limitOf, system }
}

test('a limit needs what it refers to, is there once, and keeps its registered limit as it is', async (t) => {
  const { identity, project, key, registered, create, limitOf } = await setUp(t)
  const message = ({ body }: { body: Record<string, unknown> }) => (body['error'] as { message: string }).message
  const bad: [object, number, RegExp][] = [
    [{ project_id: project.id, resource_limit: 5, service_id: 'none' }, 400, /service_id in limit/],
    [{ project_id: project.id, resource_limit: 5, region_id: 'none' }, 400, /region_id in limit/],
    [{ project_id: 'none', resource_limit: 5 }, 400, /project_id in limit/],
    [{ domain_id: project.id, resource_limit: 5 }, 400, /domain_id in limit/],
    [{ project_id: project.id, domain_id: 'default', resource_limit: 5 }, 400, /field 'limits\/0/],
    [{ project_id: project.id, resource_limit: -2 }, 400, /field 'limits\/0/],
    [{ project_id: project.id, resource_limit: 5, resource_name: 'ram' }, 403, /no corresponding registered limit/],
  ]
  for (const [input, status, text] of bad) {
    const answer = await create(input)
    assert.equal(answer.status, status, JSON.stringify(answer.body))
    assert.match(message(answer), text)
  }
  const place = { project_id: project.id }
  const both = await create({ ...place, resource_limit: 5 }, { ...place, resource_limit: 6 })
  assert.equal(both.status, 409)
  assert.deepEqual(await identity.make('GET', '/limits'), [], 'all of a request or none')
  const limit = await limitOf(place, 5)
  assert.equal((await create({ ...place, resource_limit: 6 })).status, 409)
  const path = `/registered_limits/${registered.id}`
  const changes = { registered_limit: { default_limit: 3 } }
  assert.equal((await identity.request('PATCH', path, { body: changes })).status, 403)
  assert.equal((await identity.request('DELETE', path)).status, 403)
  await identity.make('PATCH', `/limits/${limit.id}`, { limit: { resource_limit: 0, description: 'none' } })
  const shown = await identity.make<{ resource_limit: number }>('GET', `/limits/${limit.id}`)
  assert.equal(shown.resource_limit, 0)
  await identity.make('DELETE', `/limits/${limit.id}`)
  assert.equal((await identity.make<{ default_limit: number }>('PATCH', path, changes)).default_limit, 3)
  const twice = await identity.request('POST', '/registered_limits', {
    body: { registered_limits: [{ ...key, default_limit: 1 }] },
  })
  assert.equal(twice.status, 409)
  await identity.make('DELETE', path)
  assert.match(message(await identity.request('GET', path)), /Could not find registered limit for \w+\./)
})

test('limits go with their service, their region and their project', async (t) => {
  const { identity, project, key, service, limitOf } = await setUp(t)
  await limitOf({ project_id: project.id }, 1)
  await identity.make('POST', '/regions', { region: { id: 'north' } })
  await identity.make('POST', '/registered_limits', {
    registered_limits: [{ ...key, region_id: 'north', default_limit: 1 }],
  })
  await limitOf({ project_id: project.id, region_id: 'north' }, 1)
  const count = async (plural: string) => (await identity.make<unknown[]>('GET', `/${plural}`)).length
  assert.deepEqual([await count('limits'), await count('registered_limits')], [2, 2])
  await identity.make('DELETE', '/regions/north')
  assert.deepEqual([await count('limits'), await count('registered_limits')], [1, 1])
  await identity.make('DELETE', `/projects/${project.id}`)
  assert.deepEqual([await count('limits'), await count('registered_limits')], [0, 1])
  await identity.make('DELETE', `/services/${service.id}`)
  assert.equal(await count('registered_limits'), 0)
})

test('limits are seen by the scope of the token', async (t) => {
  const { identity, project, limitOf, domain, system } = await setUp(t)
  const other = await identity.make('POST', '/projects', { project: { name: 'other' } })
  const [mine, ofDomain, foreign] = [
    await limitOf({ project_id: project.id }, 5),
    await limitOf({ domain_id: domain.id }, 7),
    await limitOf({ project_id: other.id }, 9),
  ]
  const user = await identity.member('someone', project.id, 'reader')
  await identity.grant('reader', `/domains/${domain.id}/users/${user.id}`)
  const domainToken = await identity.login('someone', 'secret-someone', { domain: { id: domain.id } })
  const idsSeenBy = async (token: string) =>
    (await identity.make<{ id: string }[]>('GET', '/limits', undefined, token)).map(({ id }) => id).sort()
  assert.deepEqual(await idsSeenBy(user.token), [mine.id])
  assert.deepEqual(await idsSeenBy(domainToken), [mine.id, ofDomain.id].sort())
  const service = await identity.login('nova', 'nova-password', {
    project: { name: 'service', domain: { id: 'default' } },
  })
  for (const token of [system, identity.admin, service])
    assert.deepEqual(await idsSeenBy(token), [mine.id, ofDomain.id, foreign.id].sort())
  const status = async (id: string, token: string) => (await identity.request('GET', `/limits/${id}`, { token })).status
  assert.equal(await status(mine.id, user.token), 200)
  assert.equal(await status(foreign.id, user.token), 403)
  assert.equal(await status(ofDomain.id, domainToken), 200)
  const page = await identity.request('GET', '/limits?limit=2', { token: system })
  assert.equal((page.body['limits'] as unknown[]).length, 2)
  assert.equal(page.body['truncated'], true)
})

test('strict two-level: no project beyond its domain, no domain below a project of it', async (t) => {
  const { identity, project, domain, limitOf, create } = await setUp(
    t,
    '[unified_limit]\nenforcement_model = strict_two_level\n',
  )
  const model = await identity.make<{ name: string }>('GET', '/limits/model')
  assert.equal(model.name, 'strict_two_level')
  const ofProject = { project_id: project.id }
  assert.equal((await create({ ...ofProject, resource_limit: 11 })).status, 403, 'the default is the parent')
  const limit = await limitOf(ofProject, 8)
  const refused = await create({ domain_id: domain.id, resource_limit: 7 })
  assert.equal(refused.status, 403)
  assert.match(JSON.stringify(refused.body), /doesn't satisfy current hierarchy model/)
  const own = await limitOf({ project_id: domain.id }, 20)
  const shown = await identity.make<{ domain_id: string; project_id: null }>('GET', `/limits/${own.id}`)
  assert.equal(shown.domain_id, domain.id, 'a project that acts as a domain')
  assert.equal(shown.project_id, null)
  const change = async (id: string, resource_limit: number) =>
    (await identity.request('PATCH', `/limits/${id}`, { body: { limit: { resource_limit } } })).status
  assert.equal(await change(limit.id, 21), 403)
  assert.equal(await change(limit.id, 20), 200)
  assert.equal(await change(own.id, 19), 403)
  assert.equal(await change(own.id, -1), 200)
  assert.equal(await change(limit.id, 1000), 200)
})

test('flat is the default model', async (t) => {
  const { identity, project, domain, limitOf } = await setUp(t)
  assert.equal((await identity.make<{ name: string }>('GET', '/limits/model')).name, 'flat')
  await limitOf({ domain_id: domain.id }, 1)
  await limitOf({ project_id: project.id }, 1000)
})
