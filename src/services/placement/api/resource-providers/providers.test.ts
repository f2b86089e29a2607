import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { addProvider, claim } from '../../testing/cloud-of.ts'
import { startPlacement, type Answer, type TestPlacement } from '../../testing/placement.ts'

interface Shown {
  uuid: string
  name: string
  generation: number
  parent_provider_uuid?: string | null
  root_provider_uuid?: string
  links: { rel: string; href: string }[]
}
interface Errors {
  errors: { status: number; title: string; detail: string; code?: string; request_id: string }[]
}

const problem = (answer: Answer<Errors>) => {
  const { detail, code } = answer.body.errors[0]!
  return [answer.status, code, detail.split('\n').at(-1)!.trim()] as const
}

async function listNames({ must }: TestPlacement, query: string): Promise<string[]> {
  const path = `/resource_providers?${query}`
  const { resource_providers: all } = await must<{ resource_providers: Shown[] }>('GET', path)
  return all.map((each) => each.name)
}

test('a provider is made, shown, renamed and deleted, in the form of each version', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const { call } = placement
  const uuid = randomUUID()
  const made = await call('POST', '/resource_providers', { name: 'a', uuid }, { version: '1.0' })
  assert.equal(made.status, 201)
  assert.equal(made.body, undefined)
  assert.equal(made.headers['location'], `http://placement.test/resource_providers/${uuid}`)
  const show = (version: string) => call<Shown>('GET', `/resource_providers/${uuid}`, undefined, { version })
  const old = await show('1.0')
  assert.deepEqual(Object.keys(old.body), ['uuid', 'name', 'generation', 'links'])
  assert.deepEqual(
    old.body.links.map((link) => link.rel),
    ['self', 'inventories', 'usages'],
  )
  assert.equal(old.headers['last-modified'], undefined)
  const now = await show('1.39')
  assert.equal(now.body.root_provider_uuid, uuid)
  assert.equal(now.body.parent_provider_uuid, null)
  assert.equal(now.headers['cache-control'], 'no-cache')
  assert.ok(Date.parse(now.headers['last-modified']!) > 0)

  const shown = await call<Shown>('POST', '/resource_providers', { name: 'b' }, { version: '1.20' })
  assert.equal(shown.status, 200)
  assert.equal(shown.body.name, 'b')
  const renamed = await call<Shown>('PUT', `/resource_providers/${uuid}`, { name: 'c' })
  assert.equal(renamed.body.name, 'c')
  assert.deepEqual(problem(await call<Errors>('POST', '/resource_providers', { name: 'c' })), [
    409,
    'placement.duplicate_name',
    'Conflicting resource provider name: c already exists.',
  ])
  assert.equal((await call('DELETE', `/resource_providers/${uuid}`)).status, 204)
  assert.deepEqual(problem(await call<Errors>('DELETE', `/resource_providers/${uuid}`)), [
    404,
    'placement.undefined_code',
    `No resource provider with uuid ${uuid} found for delete`,
  ])
})

test('trees: parents, loops, moves from 1.37 on, deletion from the leaves', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const { call, must } = placement
  const root = await addProvider(placement, { name: 'root' })
  const child = await addProvider(placement, { name: 'child', parent: root })
  const leaf = await addProvider(placement, { name: 'leaf', parent: child })
  const other = await addProvider(placement, { name: 'other' })
  assert.deepEqual((await listNames(placement, `in_tree=${leaf}`)).sort(), ['child', 'leaf', 'root'])

  const move = (uuid: string, parent: string | null, version = '1.39') => {
    const body = { name: randomUUID(), parent_provider_uuid: parent }
    return call<Errors & Shown>('PUT', `/resource_providers/${uuid}`, body, { version })
  }
  assert.match(problem(await move(root, leaf))[2], /creating loop in the provider tree is not allowed/)
  assert.match(problem(await move(child, other, '1.36'))[2], /re-parenting a provider is not currently allowed/)
  assert.match(problem(await move(child, null, '1.36'))[2], /un-parenting a provider is not currently allowed/)
  assert.match(problem(await move(child, randomUUID()))[2], /parent provider UUID does not exist/)
  assert.equal((await move(child, other)).body.root_provider_uuid, other)
  const moved = await must<Shown>('GET', `/resource_providers/${leaf}`)
  assert.deepEqual([moved.root_provider_uuid, moved.parent_provider_uuid], [other, child])

  const refused = problem(await call<Errors>('DELETE', `/resource_providers/${other}`))
  assert.equal(refused[1], 'placement.resource_provider.cannot_delete_parent')
  assert.equal((await call('DELETE', `/resource_providers/${leaf}`)).status, 204)
})

test('a provider in use is not deleted', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const host = await addProvider(placement, { name: 'host', inventory: { VCPU: 4 } })
  const consumer = await claim(placement, host, { VCPU: 1 })
  const remove = () => placement.call<Errors>('DELETE', `/resource_providers/${host}`)
  assert.equal(problem(await remove())[1], 'placement.resource_provider.inuse')
  await placement.must('DELETE', `/allocations/${consumer}`)
  assert.equal((await remove()).status, 204)
})

test('lists are narrowed by name, aggregates, resources, traits and tree', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const [x, y] = [randomUUID(), randomUUID()]
  const inventory = { VCPU: { total: 8, step_size: 2 }, DISK_GB: 100 }
  await addProvider(placement, { name: 'a', inventory, traits: ['HW_CPU_X86_AVX', 'CUSTOM_A'], aggregates: [x] })
  await addProvider(placement, { name: 'b', inventory: { VCPU: 8 }, traits: ['CUSTOM_A'], aggregates: [x, y] })
  await addProvider(placement, { name: 'c', aggregates: [y] })
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['', ['a', 'b', 'c']],
    ['name=b', ['b']],
    [`member_of=${x}`, ['a', 'b']],
    [`member_of=in:${x},${y}`, ['a', 'b', 'c']],
    [`member_of=${x}&member_of=${y}`, ['b']],
    [`member_of=!${x}`, ['c']],
    [`member_of=!in:${x},${y}`, []],
    ['resources=VCPU:4', ['a', 'b']],
    ['resources=VCPU:3', ['b']],
    ['resources=VCPU:4,DISK_GB:1', ['a']],
    ['resources=VCPU:9', []],
    ['required=CUSTOM_A', ['a', 'b']],
    ['required=CUSTOM_A,!HW_CPU_X86_AVX', ['b']],
    ['required=in:HW_CPU_X86_AVX,CUSTOM_A&required=!HW_CPU_X86_AVX', ['b']],
    [`in_tree=${randomUUID()}`, []],
  ]
  for (const [query, names] of rows) assert.deepEqual(await listNames(placement, query), names, query)

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['1.2', `member_of=${x}`, /Additional properties are not allowed/],
    ['1.17', 'required=CUSTOM_A', /Additional properties are not allowed/],
    ['1.21', 'required=!CUSTOM_A', /Expected 'required' parameter value of the form/],
    ['1.23', `member_of=${x}&member_of=${y}`, /Multiple member_of parameters are not supported/],
    ['1.31', `member_of=!${x}`, /Forbidden member_of parameters are not supported/],
    ['1.38', 'required=in:CUSTOM_A', /only supported since microversion 1.39/],
    ['1.39', 'required=CUSTOM_NONE', /No such trait\(s\): CUSTOM_NONE/],
    ['1.39', 'resources=CUSTOM_NONE:1', /CUSTOM_NONE/],
    ['1.39', 'resources=VCPU', /Badly formed resources parameter/],
    ['1.39', 'resources=VCPU:0', /requires amount >= 1/],
    ['1.39', 'member_of=x', /valid UUID/],
  ]
  for (const [version, query, detail] of refused) {
    const answer = await placement.call<Errors>('GET', `/resource_providers?${query}`, undefined, { version })
    assert.equal(answer.status, 400, query)
    assert.match(answer.body.errors[0]!.detail, detail, query)
  }
})

test('versions: latest, none, one that there is not, and the document of them', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const { call } = placement
  const latest = await call('GET', '/resource_providers', undefined, { version: 'latest' })
  assert.equal(latest.headers['openstack-api-version'], 'placement 1.39')
  assert.equal(latest.headers['vary'], 'openstack-api-version')
  const oldest = await call('GET', '/resource_providers', undefined, { headers: { 'openstack-api-version': '' } })
  assert.equal(oldest.headers['openstack-api-version'], 'placement 1.0')
  const none = await call<{ errors: { max_version: string; min_version: string; title: string }[] }>(
    ...(['GET', '/resource_providers', undefined, { version: '1.99' }] as const),
  )
  assert.equal(none.status, 406)
  assert.deepEqual([none.body.errors[0]!.max_version, none.body.errors[0]!.min_version], ['1.39', '1.0'])
  assert.equal((await call('GET', '/resource_providers', undefined, { version: 'x' })).status, 400)
  const root = await call<{ versions: { max_version: string; status: string }[] }>(
    ...(['GET', '/', undefined, { token: '' }] as const),
  )
  assert.deepEqual([root.body.versions[0]!.max_version, root.body.versions[0]!.status], ['1.39', 'CURRENT'])
  const coded = async (version: string) =>
    (await call<Errors>('GET', `/resource_providers/${randomUUID()}`, undefined, { version })).body.errors[0]!.code
  assert.equal(await coded('1.22'), undefined)
  assert.equal(await coded('1.23'), 'placement.undefined_code')
})
