import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestIdentity, type TestIdentity } from '../testing/identity.ts'

let identity: TestIdentity
let domainId: string

interface Listing {
  users: { name: string; id: string }[]
  truncated?: boolean
  links: { next: string | null; self: string }
}

before(async () => {
  identity = await createTestIdentity('list_limit = 0\n')
  domainId = (await identity.whole('POST', '/domains', { domain: { name: 'list' } }))['domain']!.id
  for (const name of ['anna', 'Annegret', 'bert', 'be_rt', '100%', 'Änne']) {
    await identity.whole('POST', '/users', { user: { name, domain_id: domainId, enabled: name !== 'bert' } })
  }
})
after(() => identity.close())

const list = async (query: string) =>
  (await identity.whole('GET', `/users?domain_id=${domainId}&${query}`)) as unknown as Listing
const names = async (query: string) => (await list(query)).users.map((user) => user.name).sort()

test('texts are matched exactly or by parts, with and without regard to case, on either engine', async () => {
  assert.deepEqual(await names('name=anna'), ['anna'])
  assert.deepEqual(await names('name=Anna'), ['anna'], 'names are compared without case')
  assert.deepEqual(await names('name__contains=nn'), ['Annegret', 'anna', 'Änne'])
  assert.deepEqual(await names('name__startswith=Ann'), ['Annegret'])
  assert.deepEqual(await names('name__istartswith=Ann'), ['Annegret', 'anna'])
  assert.deepEqual(await names('name__endswith=RT'), [])
  assert.deepEqual(await names('name__iendswith=RT'), ['be_rt', 'bert'])
  assert.deepEqual(await names('name__contains=_'), ['be_rt'], 'an underscore is no wildcard')
  assert.deepEqual(await names('name__contains=%25'), ['100%'], 'a percent sign is none either')
  assert.deepEqual(await names('name__startswith=Än'), ['Änne'])
  assert.deepEqual(await names('name__sounds_like=x'), await names(''), 'unknown comparators are ignored, as upstream')
  assert.deepEqual(await names('enabled=false'), ['bert'])
  assert.deepEqual(await names('enabled=0&name__contains=e'), ['bert'])
})

test('limit and marker lead through all pages, and the last one has no next', async () => {
  const seen: string[] = []
  for (let path: string | null = `/users?domain_id=${domainId}&limit=4`; path !== null;) {
    const page: Listing = (await identity.whole('GET', path)) as unknown as Listing
    seen.push(...page.users.map((user) => user.id))
    assert.equal(page.truncated, page.links.next === null ? undefined : true)
    path = page.links.next && page.links.next.replace('http://identity/v3', '')
  }
  assert.equal(seen.length, 6)
  assert.deepEqual(seen, [...new Set(seen)].sort())
})

test('a marker that does not exist answers 404, a limit that is no number 400', async () => {
  const ask = async (query: string) => (await identity.send(identity.admin, 'GET', `/users?${query}`)).status
  assert.equal(await ask('marker=nobody'), 404)
  assert.equal(await ask('limit=many'), 400)
  assert.equal(await ask('limit=-1'), 400)
})

test('list_limit cuts every listing and says so; a section’s own goes before the general one', async () => {
  const limited = await createTestIdentity('list_limit = 3\n[role]\nlist_limit = 2\n[DEFAULT]\nlist_limit = 1\n')
  try {
    for (const name of ['a', 'b', 'c', 'd']) await limited.whole('POST', '/users', { user: { name } })
    const users = (await limited.whole('GET', '/users')) as unknown as Listing
    assert.equal(users.users.length, 3)
    assert.equal(users.truncated, true)
    const { roles } = (await limited.whole('GET', '/roles')) as unknown as { roles: unknown[] }
    assert.equal(roles.length, 2)
    const { regions, truncated } = (await limited.whole('GET', '/regions')) as unknown as Record<string, unknown[]>
    assert.equal(regions!.length, 1)
    assert.equal(truncated, undefined)
  } finally {
    await limited.close()
  }
})

test('a domain’s administrator lists his own domain, whatever domain the query names (B3)', async () => {
  const { token } = await identity.persona('admin', { domain: domainId }, domainId)
  for (const plural of ['users', 'groups', 'projects']) {
    const { body, status } = await identity.send(token, 'GET', `/${plural}?domain_id=default`)
    assert.equal(status, 200)
    assert.deepEqual((body as unknown as Record<string, unknown[]>)[plural], [])
  }
})

test('members of a group and groups of a user are filtered like any listing', async () => {
  const { group } = await identity.whole('POST', '/groups', { group: { name: 'g', domain_id: domainId } })
  for (const user of (await list('name__icontains=ann')).users) {
    await identity.whole('PUT', `/groups/${group!.id}/users/${user.id}`)
  }
  const members = async (query: string) =>
    ((await identity.whole('GET', `/groups/${group!.id}/users?${query}`)) as unknown as Listing).users
  assert.equal((await members('')).length, 2)
  assert.deepEqual(
    (await members('name=anna')).map((user) => user.name),
    ['anna'],
  )
  const anna = (await members('name=anna'))[0]!
  const { groups } = (await identity.whole('GET', `/users/${anna.id}/groups`)) as unknown as { groups: object[] }
  assert.equal(groups.length, 1)
})
