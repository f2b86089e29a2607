import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestIdentity, type TestIdentity } from '../../testing/identity.ts'

let identity: TestIdentity
before(async () => void (identity = await createTestIdentity()))
after(() => identity.close())

const make = async (kind: string, body: object, path = `/${kind}s`) =>
  (await identity.whole('POST', path, { [kind]: body }))[kind]!
const message = (body: unknown) => (body as { error: { message: string } }).error.message
const refused = async (status: number, text: RegExp, ...request: [method: string, path: string, body?: unknown]) => {
  const answer = await identity.send(identity.admin, ...request)
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  assert.match(message(answer.body), text)
}
const namesOf = async (path: string, plural: string) =>
  ((await identity.whole('GET', path)) as unknown as Record<string, { id: string }[]>)[plural]!.map((each) => each.id)

test('a region cannot come to lie below itself, and goes with its children only when none has endpoints', async () => {
  await make('region', { id: 'north' })
  await make('region', { id: 'fjord', parent_region_id: 'north' })
  await make('region', { id: 'bay', parent_region_id: 'fjord' })
  await refused(400, /would create a circular region hierarchy/, 'PATCH', '/regions/north', {
    region: { parent_region_id: 'bay' },
  })
  await refused(404, /Could not find region: nowhere\./, 'POST', '/regions', {
    region: { id: 'x', parent_region_id: 'nowhere' },
  })
  await refused(409, /store region - Duplicate ID, bay/, 'PUT', '/regions/bay', { region: {} })
  await refused(400, /Conflicting region IDs specified: "a" != "b"/, 'PUT', '/regions/a', { region: { id: 'b' } })
  const service = await make('service', { type: 'weather' })
  const endpoint = await make('endpoint', {
    service_id: service.id,
    interface: 'public',
    url: 'http://bay',
    region_id: 'bay',
  })
  await refused(403, /Unable to delete region north because it or its child/, 'DELETE', '/regions/north')
  await identity.whole('DELETE', `/endpoints/${endpoint.id}`)
  await identity.whole('DELETE', '/regions/north')
  await refused(404, /Could not find region: bay/, 'GET', '/regions/bay')
})

test('A14: an endpoint names a service and a region that exist, and no variable that is not filled in', async () => {
  const service = await make('service', { type: 'weather' })
  const body = { service_id: service.id, interface: 'public', url: 'http://x/$(tenant_id)s' }
  await refused(400, /Expecting to find endpoint region_id in region table/, 'POST', '/endpoints', {
    endpoint: { ...body, region_id: 'nowhere' },
  })
  await refused(400, /Expecting to find endpoint service_id in service table/, 'POST', '/endpoints', {
    endpoint: { ...body, service_id: 'nothing' },
  })
  for (const url of ['http://x/$(admin_token)s', 'http://x/%(connection)s', 'http://x/%(tenant_id)', 'http://x/%(']) {
    await refused(400, /Cannot create an endpoint with an invalid URL/, 'POST', '/endpoints', {
      endpoint: { ...body, url },
    })
  }
  const endpoint = await make('endpoint', { ...body, region: 'made-by-name' })
  assert.equal(endpoint['region'], 'made-by-name')
  assert.equal((await identity.whole('GET', '/regions/made-by-name'))['region']!.id, 'made-by-name')
  await refused(400, /Cannot change ID/, 'PATCH', `/endpoints/${endpoint.id}`, { endpoint: { id: 'other' } })
})

/** Types of the services in the catalog of a member of the project. */
async function catalogOf(token: string): Promise<Record<string, string[]>> {
  const { body } = await identity.send(token, 'GET', '/auth/catalog')
  const { catalog } = body as unknown as { catalog: { type: string; endpoints: { url: string }[] }[] }
  return Object.fromEntries(catalog.map((each) => [each.type, each.endpoints.map((endpoint) => endpoint.url)]))
}

test('a project sees the endpoints it is tied to, by name or by group, at once', async () => {
  const project = await make('project', { name: 'filtered' })
  const { token } = await identity.persona('member', { project: project.id })
  assert.ok('identity' in (await catalogOf(token)), 'without a filter everything is there')

  const service = await make('service', { type: 'tide' })
  const one = await make('endpoint', { service_id: service.id, interface: 'public', url: 'http://tide/%(project_id)s' })
  await make('endpoint', { service_id: service.id, interface: 'internal', url: 'http://tide.internal' })
  assert.deepEqual((await catalogOf(token))['tide']!.toSorted(), [`http://tide.internal`, `http://tide/${project.id}`])

  const place = `/OS-EP-FILTER/projects/${project.id}/endpoints`
  await identity.whole('PUT', `${place}/${one.id}`)
  assert.deepEqual(await catalogOf(token), { tide: [`http://tide/${project.id}`] })
  assert.deepEqual(await namesOf(place, 'endpoints'), [one.id])
  assert.deepEqual(await namesOf(`/OS-EP-FILTER/endpoints/${one.id}/projects`, 'projects'), [project.id])
  await refused(409, /store project_endpoint - Duplicate entry/, 'PUT', `${place}/${one.id}`)
  await identity.whole('DELETE', `${place}/${one.id}`)
  await refused(404, /not found in project/, 'GET', `${place}/${one.id}`)

  const groups = '/OS-EP-FILTER/endpoint_groups'
  await refused(400, /filters field is required/, 'POST', groups, { endpoint_group: { name: 'g', filters: {} } })
  await refused(400, /Expecting to find service_id or region_id or interface in endpoint_group/, 'POST', groups, {
    endpoint_group: { name: 'g', filters: { url: 'x' } },
  })
  const filters = { service_id: service.id, interface: 'internal' }
  const group = await make('endpoint_group', { name: 'g', filters }, groups)
  await identity.whole('PUT', `${groups}/${group.id}/projects/${project.id}`)
  assert.deepEqual(await catalogOf(token), { tide: ['http://tide.internal'] })
  const tie = await identity.whole('GET', `${groups}/${group.id}/projects/${project.id}`)
  assert.equal((tie['project_endpoint_group'] as unknown as { project_id: string }).project_id, project.id)
  assert.deepEqual(await namesOf(`${groups}/${group.id}/projects`, 'projects'), [project.id])
  assert.deepEqual(await namesOf(`/OS-EP-FILTER/projects/${project.id}/endpoint_groups`, 'endpoint_groups'), [group.id])
  await identity.whole('DELETE', `${groups}/${group.id}`)
  assert.ok('identity' in (await catalogOf(token)))
})

test('a disabled service is gone from the catalog with the next request', async () => {
  const { token } = await identity.persona('member', { domain: 'default' })
  const service = await make('service', { type: 'gone' })
  await make('endpoint', { service_id: service.id, interface: 'public', url: 'http://gone' })
  assert.deepEqual((await catalogOf(token))['gone'], ['http://gone'])
  await identity.whole('PATCH', `/services/${service.id}`, { service: { enabled: false } })
  assert.equal((await catalogOf(token))['gone'], undefined)
})

test('an endpoint obeys its own policy, else that of its service in a region above it, else its service’s', async () => {
  await make('region', { id: 'land' })
  await make('region', { id: 'town', parent_region_id: 'land' })
  const service = await make('service', { type: 'ruled' })
  const endpoint = await make('endpoint', {
    service_id: service.id,
    interface: 'public',
    url: 'http://ruled',
    region_id: 'town',
  })
  const [mine, regional, general] = await Promise.all(
    ['mine', 'regional', 'general'].map((blob) => make('policy', { blob, type: 'text/plain' }, '/policies')),
  )
  const ofEndpoint = `/endpoints/${endpoint.id}/OS-ENDPOINT-POLICY/policy`
  const counts = async () => (await identity.whole('GET', ofEndpoint))['policy']!['blob']
  const tie = (policy: { id: string }, place: string) => `/policies/${policy.id}/OS-ENDPOINT-POLICY/${place}`
  await refused(404, /No policy is associated with endpoint/, 'GET', ofEndpoint)
  await identity.whole('PUT', tie(general!, `services/${service.id}`))
  assert.equal(await counts(), 'general')
  await identity.whole('PUT', tie(regional!, `services/${service.id}/regions/land`))
  assert.equal(await counts(), 'regional')
  await identity.whole('PUT', tie(mine!, `endpoints/${endpoint.id}`))
  assert.equal(await counts(), 'mine')
  assert.deepEqual(await namesOf(tie(regional!, 'endpoints'), 'endpoints'), [endpoint.id])
  await identity.whole('PUT', tie(general!, `endpoints/${endpoint.id}`))
  assert.equal(await counts(), 'general', 'a place has one policy: the last that was tied to it')
  await refused(404, /Could not find policy association/, 'GET', tie(mine!, `endpoints/${endpoint.id}`))
  await identity.whole('DELETE', `/policies/${general!.id}`)
  assert.equal(await counts(), 'regional')
})

test('without return_all_endpoints_if_no_filter a project without filters has an empty catalog', async () => {
  const strict = await createTestIdentity('[endpoint_filter]\nreturn_all_endpoints_if_no_filter = false\n')
  try {
    const { project } = await strict.whole('POST', '/projects', { project: { name: 'p' } })
    const { token } = await strict.persona('member', { project: project!.id })
    const { body } = await strict.send(token, 'GET', '/auth/catalog')
    assert.deepEqual(body['catalog'], [])
  } finally {
    await strict.close()
  }
})
