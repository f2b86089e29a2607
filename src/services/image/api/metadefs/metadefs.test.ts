import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startImage, type TestImage } from '../../testing/image.ts'

let glance: TestImage
before(async () => {
  glance = await startImage()
})
after(() => glance.stop())

type Any = Record<string, never> & Record<string, unknown>
const base = '/metadefs/namespaces'
const send = (method: string, path: string, json?: unknown, token = 'admin', headers: Record<string, string> = {}) =>
  glance.call<Any>(method, path, { token, headers, ...(json !== undefined && { json }) })

const whole = {
  namespace: 'My::Namespace',
  display_name: 'Mine',
  description: 'For the test',
  visibility: 'public',
  resource_type_associations: [{ name: 'OS::Test::Thing', prefix: 'thing_', properties_target: 'image' }],
  properties: { color: { title: 'Color', type: 'string', enum: ['red', 'blue'] } },
  objects: [
    { name: 'shape', required: ['edges'], properties: { edges: { title: 'Edges', type: 'integer', minimum: 3 } } },
  ],
  tags: [{ name: 'nice' }],
}

test('the definitions of the product are there for everybody', async () => {
  const seen = await glance.must<{ namespaces: { namespace: string }[]; next?: string }>('GET', `${base}?limit=100`, {
    token: 'alice',
  })
  assert.equal(seen.namespaces.length, 33)
  assert.equal(seen.next, undefined)
  const quota = await glance.must<Any>('GET', `${base}/OS::Compute::Quota`, { token: 'alice' })
  assert.deepEqual((quota['objects'] as unknown as { name: string }[]).map((object) => object.name).sort(), [
    'CPU Limits',
    'Disk QoS',
    'Virtual Interface QoS',
  ])
  const { resource_types: types } = await glance.must<{ resource_types: { name: string }[] }>(
    'GET',
    '/metadefs/resource_types',
  )
  assert.ok(types.some((type) => type.name === 'OS::Glance::Image'))
  const prefixed = await glance.must<Any>('GET', `${base}/OS::Compute::CPUPinning?resource_type=OS::Nova::Flavor`)
  assert.deepEqual(Object.keys(prefixed['properties']!).sort(), ['hw:cpu_policy', 'hw:cpu_thread_policy'])
})

test('a namespace comes with all that is in it, and goes with it', async () => {
  const made = await send('POST', base, whole)
  assert.equal(made.status, 201, made.message)
  assert.equal(made.headers['location'], '/v2/metadefs/namespaces/My%3A%3ANamespace')
  const shown = (await send('GET', `${base}/My::Namespace`)).body
  assert.deepEqual(
    [shown['self'], shown['schema'], shown['owner'], shown['protected']],
    ['/v2/metadefs/namespaces/My::Namespace', '/v2/schemas/metadefs/namespace', 'admin', false],
  )
  assert.deepEqual(shown['tags'], [{ name: 'nice' }])
  assert.deepEqual(shown['properties'], whole.properties)
  assert.equal((await send('POST', base, whole)).status, 409)
  const found = await glance.must<{ namespaces: { namespace: string; resource_type_associations: object[] }[] }>(
    'GET',
    `${base}?resource_types=OS::Test::Thing`,
  )
  assert.deepEqual(
    found.namespaces.map((each) => [each.namespace, each.resource_type_associations.length]),
    [['My::Namespace', 1]],
  )
  const renamed = await send('PUT', `${base}/My::Namespace`, {
    namespace: 'Other',
    visibility: 'private',
    protected: true,
  })
  assert.deepEqual([renamed.status, renamed.body['namespace'], renamed.body['visibility']], [200, 'Other', 'private'])
  assert.equal((await send('DELETE', `${base}/Other`)).status, 403)
  assert.equal((await send('DELETE', `${base}/Other/tags/nice`)).status, 403)
  assert.equal((await send('DELETE', `${base}/Other/objects`)).status, 403)
  assert.equal((await send('GET', `${base}/Other`, undefined, 'alice')).status, 404)
  assert.equal((await send('PUT', `${base}/Other`, { namespace: 'OS::Compute::Quota' })).status, 409)
  assert.equal((await send('PUT', `${base}/Other`, { namespace: 'Other' })).status, 200)
  assert.equal((await send('DELETE', `${base}/Other`)).status, 204)
  assert.equal((await send('GET', `${base}/Other`)).status, 404)
})

test('objects, properties, tags and resource types, one by one', async () => {
  await send('POST', base, { namespace: 'parts', visibility: 'public' })
  const at = `${base}/parts`
  const property = { name: 'size', title: 'Size', type: 'integer', minimum: 1 }
  assert.equal((await send('POST', `${at}/properties`, property)).status, 201)
  assert.equal((await send('POST', `${at}/properties`, property)).status, 409)
  assert.deepEqual((await send('GET', `${at}/properties/size`)).body, property)
  assert.equal((await send('PUT', `${at}/properties/size`, { ...property, name: 'width' })).status, 200)
  assert.deepEqual(Object.keys((await send('GET', `${at}/properties`)).body['properties']!), ['width'])
  assert.equal((await send('POST', `${at}/properties`, { name: 'x' })).status, 400)
  assert.equal((await send('DELETE', `${at}/properties/width`)).status, 204)
  assert.equal((await send('DELETE', `${at}/properties/width`)).status, 404)

  const object = { name: 'box', description: 'A box', properties: { w: { title: 'W', type: 'number' } } }
  const made = await send('POST', `${at}/objects`, object)
  assert.deepEqual([made.status, made.body['self']], [201, '/v2/metadefs/namespaces/parts/objects/box'])
  assert.equal((await send('POST', `${at}/objects`, object)).status, 409)
  assert.equal((await send('PUT', `${at}/objects/box`, { name: 'crate' })).body['name'], 'crate')
  assert.equal((await send('GET', `${at}/objects/box`)).status, 404)
  assert.equal(((await send('GET', `${at}/objects`)).body['objects'] as unknown as object[]).length, 1)
  assert.equal((await send('POST', `${at}/objects`, { name: 'x'.repeat(81) })).status, 400)
  assert.equal((await send('DELETE', `${at}/objects/crate`)).status, 204)

  assert.equal((await send('POST', `${at}/tags/one`)).status, 201)
  assert.equal((await send('POST', `${at}/tags/one`)).status, 409)
  assert.equal((await send('PUT', `${at}/tags/one`, { name: 'uno' })).body['name'], 'uno')
  const names = async (query = '') =>
    ((await send('GET', `${at}/tags${query}`)).body['tags'] as unknown as { name: string }[]).map((tag) => tag.name)
  assert.equal((await send('POST', `${at}/tags`, { tags: [{ name: 'a' }, { name: 'b' }] })).status, 201)
  assert.deepEqual(await names('?sort_key=name&sort_dir=asc'), ['a', 'b'])
  const append = { 'x-openstack-append': 'True' }
  assert.equal((await send('POST', `${at}/tags`, { tags: [{ name: 'c' }] }, 'admin', append)).status, 201)
  assert.deepEqual(await names('?sort_key=name&sort_dir=desc'), ['c', 'b', 'a'])
  assert.deepEqual(await names('?sort_key=name&sort_dir=asc&marker=a&limit=1'), ['b'])
  assert.equal((await send('POST', `${at}/tags`, { tags: [{ name: 'd' }, { name: 'd' }] })).status, 409)
  assert.deepEqual((await names()).length, 3)
  assert.equal((await send('DELETE', `${at}/tags`)).status, 204)
  assert.deepEqual(await names(), [])

  const type = { name: 'OS::My::Type', prefix: 'my_' }
  assert.equal((await send('POST', `${at}/resource_types`, type)).status, 201)
  assert.equal((await send('POST', `${at}/resource_types`, type)).status, 409)
  const types = (await send('GET', `${at}/resource_types`)).body['resource_type_associations'] as unknown as Any[]
  assert.deepEqual(
    types.map((each) => [each['name'], each['prefix']]),
    [['OS::My::Type', 'my_']],
  )
  assert.equal((await send('DELETE', `${at}/resource_types/OS::My::Type`)).status, 204)
  assert.equal((await send('DELETE', `${at}/resource_types/OS::My::Type`)).status, 404)
})

test('who is no administrator changes nothing, and does not see what is private', async () => {
  await send('POST', base, { namespace: 'secret', visibility: 'private' })
  await send('POST', base, { namespace: 'open', visibility: 'public' })
  assert.equal((await send('GET', `${base}/secret`, undefined, 'alice')).status, 404)
  assert.equal((await send('POST', `${base}/secret/tags/x`, undefined, 'alice')).status, 404)
  assert.equal((await send('GET', `${base}/open`, undefined, 'alice')).status, 200)
  const requests: [string, string, unknown?][] = [
    ['POST', base, { namespace: 'new' }],
    ['PUT', `${base}/open`, { namespace: 'open' }],
    ['DELETE', `${base}/open`],
    ['POST', `${base}/open/tags/x`],
    ['POST', `${base}/open/tags`, { tags: [] }],
    ['DELETE', `${base}/open/tags`],
    ['POST', `${base}/open/objects`, { name: 'x' }],
    ['DELETE', `${base}/open/objects`],
    ['POST', `${base}/open/properties`, { name: 'x', title: 'X', type: 'string' }],
    ['DELETE', `${base}/open/properties`],
    ['POST', `${base}/open/resource_types`, { name: 'x' }],
  ]
  for (const [method, path, json] of requests)
    assert.equal((await send(method, path, json, 'alice')).status, 403, `${method} ${path}`)
})

test('wrong requests are refused with the field', async () => {
  const cases: [unknown, number, RegExp][] = [
    [{}, 400, /'namespace' is a required property/],
    [{ namespace: 'x'.repeat(81) }, 400, /namespace/],
    [{ namespace: 'x', visibility: 'shared' }, 400, /visibility/],
    [{ namespace: 'x', created_at: 'now' }, 403, /created_at/],
    [{ namespace: 'x', color: 'red' }, 400, /color/],
    [{ namespace: 'x', properties: { p: { type: 'string' } } }, 400, /title/],
    [{ namespace: 'x', properties: { p: { title: 'P', type: 'thing' } } }, 400, /thing/],
  ]
  for (const [json, status, message] of cases) {
    const answer = await send('POST', base, json)
    assert.equal(answer.status, status, JSON.stringify(json))
    assert.match(answer.message, message)
  }
  for (const query of ['sort_dir=up', 'sort_key=color', 'limit=x', 'limit=-1', 'visibility=shared'])
    assert.equal((await send('GET', `${base}?${query}`)).status, 400, query)
  assert.equal((await send('GET', `${base}?marker=nobody`)).status, 404)
  for (const name of [
    'namespace',
    'namespaces',
    'object',
    'objects',
    'property',
    'properties',
    'tag',
    'tags',
    'resource_type',
    'resource_types',
  ])
    assert.equal((await send('GET', `/schemas/metadefs/${name}`)).status, 200)
})
