import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestIdentity, type TestIdentity } from '../../testing/identity.ts'

let identity: TestIdentity
before(async () => void (identity = await createTestIdentity()))
after(() => identity.close())

const make = async (body: object) => (await identity.whole('POST', '/projects', { project: body }))['project']!
const refused = async (status: number, text: RegExp, ...request: [method: string, path: string, body?: unknown]) => {
  const answer = await identity.send(identity.admin, ...request)
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  assert.match((answer.body as unknown as { error: { message: string } }).error.message, text)
}
const update = (id: string, project: object) => ['PATCH', `/projects/${id}`, { project }] as const

test('a tree is as deep as allowed, and disabled from the leaves', async () => {
  const ids: string[] = []
  for (let level = 0; level < 5; level++) {
    ids.push((await make({ name: `level-${level}`, ...(level > 0 && { parent_id: ids.at(-1) }) })).id)
  }
  const body = { project: { name: 'too-deep', parent_id: ids.at(-1) } }
  await refused(403, /Max hierarchy depth reached for .* branch/, 'POST', '/projects', body)
  await refused(403, /its subtree contains enabled projects/, ...update(ids[3]!, { enabled: false }))
  await identity.whole(...update(ids[4]!, { enabled: false }))
  await identity.whole(...update(ids[3]!, { enabled: false }))
  await refused(403, /since it has disabled parents/, ...update(ids[4]!, { enabled: true }))
  const below = { project: { name: 'x', parent_id: ids[3] } }
  await refused(400, /in a branch containing a disabled project/, 'POST', '/projects', below)
  await refused(403, /is not a leaf in the hierarchy/, 'DELETE', `/projects/${ids[3]}`)
  await refused(403, /Update of `parent_id` is not allowed/, ...update(ids[4]!, { parent_id: ids[0] }))
  await refused(400, /Update of `is_domain` is not allowed/, ...update(ids[4]!, { is_domain: true }))

  const shown = await identity.whole('GET', `/projects/${ids[2]}?parents_as_ids&subtree_as_ids`)
  const { parents, subtree } = shown['project']! as unknown as Record<string, unknown>
  assert.deepEqual(parents, { [ids[1]!]: { [ids[0]!]: { default: null } } })
  assert.deepEqual(subtree, { [ids[3]!]: { [ids[4]!]: null } })
  const both = `/projects/${ids[2]}?parents_as_ids&parents_as_list`
  await refused(400, /Cannot use parents_as_list and parents_as_ids query params at the same time/, 'GET', both)
  const listed = await identity.whole('GET', `/projects/${ids[2]}?subtree_as_list`)
  assert.deepEqual(listed['project']!['subtree'], [], 'the caller has a role on none of them')
})

test('a project may act as a domain; names are unique in their place', async () => {
  const domain = await make({ name: 'acting', is_domain: true })
  assert.equal((await identity.whole('GET', `/domains/${domain.id}`))['domain']!['name'], 'acting')
  await refused(409, /two projects acting as domains with the same name: acting/, 'POST', '/projects', {
    project: { name: 'acting', is_domain: true },
  })
  const inside = await make({ name: 'inside', domain_id: domain.id })
  assert.equal(inside['parent_id'], domain.id)
  await refused(409, /either the same name or same id in the same domain: name is inside/, 'POST', '/projects', {
    project: { name: 'inside', domain_id: domain.id },
  })
  await refused(400, /only root projects are allowed to act as domains/, 'POST', '/projects', {
    project: { name: 'y', is_domain: true, parent_id: inside.id },
  })
  const { projects } = (await identity.whole('GET', '/projects?is_domain=true')) as unknown as {
    projects: { name: string }[]
  }
  assert.ok(projects.some((project) => project.name === 'acting'))
})

test('tags are set together and one by one, and select projects', async () => {
  const one = await make({ name: 'one', tags: ['red', 'blue'] })
  const two = await make({ name: 'two' })
  await identity.whole('PUT', `/projects/${two.id}/tags`, { tags: ['blue'] })
  const added = await identity.send(identity.admin, 'PUT', `/projects/${two.id}/tags/green`)
  assert.equal(added.status, 201)
  const selected = async (query: string) =>
    ((await identity.whole('GET', `/projects?${query}`)) as unknown as { projects: { name: string }[] }).projects
      .map((project) => project.name)
      .filter((name) => ['one', 'two'].includes(name))
      .sort()
  assert.deepEqual(await selected('tags=blue'), ['one', 'two'])
  assert.deepEqual(await selected('tags=blue,red'), ['one'])
  assert.deepEqual(await selected('tags-any=green,red'), ['one', 'two'])
  assert.deepEqual(await selected('not-tags=blue,red'), ['two'])
  assert.deepEqual(await selected('not-tags-any=red,green'), [])
  await refused(400, /is not a valid tag/, 'PUT', `/projects/${two.id}/tags/a,b`)
  await identity.whole('DELETE', `/projects/${one.id}/tags/red`)
  await refused(404, /Could not find project tag: red/, 'GET', `/projects/${one.id}/tags/red`)
  const shown = await identity.whole('GET', `/projects/${one.id}/tags`)
  assert.deepEqual(shown['tags'], ['blue'])
  await identity.whole('DELETE', `/projects/${one.id}/tags`)
  assert.deepEqual((await identity.whole('GET', `/projects/${one.id}`))['project']!['tags'], [])
})

test('an inherited role reaches every project below its target, and is listed for the user', async () => {
  const top = await make({ name: 'top' })
  const leaf = await make({ name: 'leaf', parent_id: top.id })
  const user = (await identity.whole('POST', '/users', { user: { name: 'heir' } }))['user']!
  const { roles } = (await identity.whole('GET', '/roles?name=member')) as unknown as { roles: { id: string }[] }
  const grant = `/OS-INHERIT/projects/${top.id}/users/${user.id}/roles/${roles[0]!.id}/inherited_to_projects`
  await identity.whole('PUT', grant)
  const { projects } = (await identity.whole('GET', `/users/${user.id}/projects`)) as unknown as {
    projects: { id: string }[]
  }
  assert.deepEqual(
    projects.map((project) => project.id),
    [leaf.id],
  )
})
