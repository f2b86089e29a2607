import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startIdentity } from '../../testing/identity.ts'
import { routes } from '../routes.ts'
import { jsonHome, prefersHome } from './json-home.ts'

test('discovery: versions, the version, JSON Home on request', async (t) => {
  const identity = await startIdentity(t)
  const get = (url: string, accept?: string) =>
    identity.service.apps['identity']!.dispatch({ method: 'GET', url, headers: accept === undefined ? {} : { accept } })
  const all = await get('/')
  assert.equal(all.status, 300)
  assert.equal(all.headers['Location'], 'http://identity/v3/')
  const { versions } = all.body as { versions: { values: { id: string; links: { href: string }[] }[] } }
  const { version } = (await get('/v3/', '*/*')).body as { version: unknown }
  assert.deepEqual(versions.values, [version])
  assert.equal(versions.values[0]!.links[0]!.href, 'http://identity/v3/')
  const below = await get('/v3', 'application/json-home')
  assert.equal(below.headers['Content-Type'], 'application/json-home')
  const { resources } = below.body as ReturnType<typeof jsonHome>
  const core = 'https://docs.openstack.org/api/openstack-identity/3'
  assert.deepEqual(resources[`${core}/rel/implied_role`], {
    'href-template': '/roles/{prior_role_id}/implies/{implied_role_id}',
    'href-vars': { prior_role_id: `${core}/param/role_id`, implied_role_id: `${core}/param/role_id` },
  })
  const filter = '/ext/OS-EP-FILTER/1.0'
  assert.deepEqual(resources[`${core}${filter}/rel/projects_associated_with_endpoint_group`], {
    'href-template': '/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects',
    'href-vars': { endpoint_group_id: `${core}${filter}/param/endpoint_group_id` },
  })
  assert.deepEqual(resources[`${core}/rel/limits`], { href: '/limits', hints: { status: 'experimental' } })
  const root = (await get('/', 'application/json-home')).body as ReturnType<typeof jsonHome>
  assert.equal(root.resources[`${core}/rel/limits`]?.href, '/v3/limits')
})

test('JSON Home is for those who prefer it', () => {
  const table: [string | undefined, boolean][] = [
    [undefined, false],
    ['*/*', false],
    ['application/json', false],
    ['application/json-home', true],
    ['application/json-home, */*', true],
    ['application/json, application/json-home', false],
    ['application/json;q=0.5, application/json-home', true],
    ['application/json-home;q=0.1, application/json', false],
    ['text/html', false],
  ]
  for (const [accept, expected] of table) assert.equal(prefersHome(accept), expected, accept)
})

test('every resource of JSON Home is there', () => {
  const known = new Set(routes.map((route) => route.path.replaceAll(/:\w+/g, '{}')))
  const missing = Object.values(jsonHome().resources)
    .map((entry) => entry.href ?? entry['href-template']!)
    .filter((path) => !known.has(path.replaceAll(/\{\w+\}/g, '{}')))
  assert.deepEqual(missing, [])
})
