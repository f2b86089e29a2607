import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startIdentity } from '../../testing/identity.ts'

interface Project {
  id: string
  domain_id: string
  parent_id: string
  tags: string[]
}

test('the tree: parents, depth, domains, and what is above and below', async (t) => {
  const identity = await startIdentity(t)
  const make = (name: string, parent_id?: string) =>
    identity.make<Project>('POST', '/projects', { project: { name, ...(parent_id !== undefined && { parent_id }) } })
  const root = await make('root')
  assert.equal(root.parent_id, 'default')
  const child = await make('child', root.id)
  const grandchild = await make('grandchild', child.id)
  const show = async (query: string) =>
    (await identity.request('GET', `/projects/${child.id}?${query}`)).body['project'] as Record<string, unknown>
  assert.deepEqual((await show('parents_as_ids'))['parents'], { [root.id]: { default: null } })
  assert.deepEqual((await show('subtree_as_ids'))['subtree'], { [grandchild.id]: null })
  assert.deepEqual((await show('parents_as_list'))['parents'], [], 'the caller has no role there')
  assert.equal((await identity.request('GET', `/projects/${child.id}?parents_as_ids&parents_as_list`)).status, 400)
  const deep = await make('4', (await make('3', grandchild.id)).id)
  const tooDeep = await identity.request('POST', '/projects', { body: { project: { name: '6', parent_id: deep.id } } })
  assert.equal(tooDeep.status, 403)
  const other = await identity.make('POST', '/domains', { domain: { name: 'other' } })
  const foreign = { project: { name: 'x', parent_id: root.id, domain_id: other.id } }
  assert.equal((await identity.request('POST', '/projects', { body: foreign })).status, 400)
  assert.equal((await identity.request('DELETE', `/projects/${root.id}`)).status, 403, 'it has children')
})

test('enabling needs what is above, disabling what is below', async (t) => {
  const identity = await startIdentity(t)
  const root = await identity.make('POST', '/projects', { project: { name: 'root' } })
  const child = await identity.make('POST', '/projects', { project: { name: 'child', parent_id: root.id } })
  const set = async (id: string, enabled: boolean) =>
    (await identity.request('PATCH', `/projects/${id}`, { body: { project: { enabled } } })).status
  assert.equal(await set(root.id, false), 403)
  assert.equal(await set(child.id, false), 200)
  assert.equal(await set(root.id, false), 200)
  assert.equal(await set(child.id, true), 403)
  const below = { project: { name: 'new', parent_id: root.id } }
  assert.equal((await identity.request('POST', '/projects', { body: below })).status, 400)
})

test('what cannot be changed, and names that are taken', async (t) => {
  const identity = await startIdentity(t)
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  const change = async (changes: object) =>
    (await identity.request('PATCH', `/projects/${project.id}`, { body: { project: changes } })).status
  assert.equal(await change({ domain_id: 'x' }), 400)
  assert.equal(await change({ parent_id: 'x' }), 403)
  assert.equal(await change({ is_domain: true }), 400)
  assert.equal(await change({ name: 'admin' }), 409)
  assert.equal(await change({ name: '' }), 400)
  assert.equal(await change({ name: 'x'.repeat(65) }), 400)
  const again = await identity.request('POST', '/projects', { body: { project: { name: 'p' } } })
  assert.equal(again.status, 409)
  assert.match((again.body['error'] as { message: string }).message, /name is p/)
})

test('immutable projects, domains and roles change only when that is taken off', async (t) => {
  const identity = await startIdentity(t)
  for (const kind of ['project', 'domain', 'role']) {
    const { id } = await identity.make('POST', `/${kind}s`, { [kind]: { name: 'fixed', options: { immutable: true } } })
    const change = async (changes: object) =>
      (await identity.request('PATCH', `/${kind}s/${id}`, { body: { [kind]: changes } })).status
    assert.equal(await change({ description: 'x' }), 403, kind)
    assert.equal((await identity.request('DELETE', `/${kind}s/${id}`)).status, 403, kind)
    assert.equal(await change({ options: { immutable: null } }), 200, kind)
    assert.equal(await change({ description: 'x' }), 200, kind)
  }
})

test('tags: replaced, added, removed, bounded', async (t) => {
  const identity = await startIdentity(t)
  const { id } = await identity.make('POST', '/projects', { project: { name: 'p', tags: ['b', 'a'] } })
  const tags = () => identity.make<string[]>('GET', `/projects/${id}/tags`)
  const ask = async (method: string, path: string, body?: object) =>
    (await identity.request(method, `/projects/${id}/tags${path}`, body && { body })).status
  assert.deepEqual(await tags(), ['a', 'b'])
  assert.equal(await ask('PUT', '/c'), 201)
  assert.equal(await ask('PUT', '/c'), 201)
  assert.equal(await ask('GET', '/c'), 204)
  assert.equal(await ask('HEAD', '/nope'), 404)
  assert.equal(await ask('DELETE', '/a'), 204)
  assert.deepEqual(await tags(), ['b', 'c'])
  assert.equal(await ask('PUT', '/with,comma'), 400)
  assert.equal(await ask('PUT', '', { tags: ['one', 'one'] }), 400)
  assert.equal(await ask('PUT', '', { tags: Array.from({ length: 81 }, (_x, at) => `t${at}`) }), 400)
  assert.equal(await ask('PUT', '', { tags: ['only'] }), 200)
  assert.equal(await ask('DELETE', ''), 204)
  assert.deepEqual(await tags(), [])
})
