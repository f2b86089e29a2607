/** Rules of the security checklist that concern placement beyond who may do what (test/contract/placement-authorization). */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { serve } from '../../platform/http/server.ts'
import { createLogger } from '../../platform/log/log.ts'
import { routes } from './api/routes.ts'
import { addProvider, claim } from './testing/cloud-of.ts'
import { startPlacement, type Answer, type TestPlacement } from './testing/placement.ts'

const strings = ['', ' ', 'a\nb', 'a\r\nX-Header: b', 'a\0b', '"\'`,;', '$(id)', '-rf', '../../etc/passwd', '%2e%2e%2f']
const more = [
  '%',
  '<script>',
  '😀',
  '\ud800',
  '__proto__',
  'constructor',
  "' or 1=1 --",
  'x'.repeat(65_536),
  '!',
  'in:',
]
const values = [null, true, 0, -1, 1.5, 2 ** 31, 2 ** 53, 1e308, -1e308, [], {}, [[]], { a: { b: {} } }, ['x', 'x']]
const hostile: readonly unknown[] = [...strings, ...more, ...values]

/** A number generator that gives the same every time. */
function randomizer(seed: number) {
  let state = seed
  return (below: number) => (state = (state * 48_271) % 2_147_483_647) % below
}

/** A copy with one place, anywhere, replaced by something hostile; or with a hostile key. */
function mutate(value: unknown, random: (below: number) => number): unknown {
  const evil = () => hostile[random(hostile.length)]
  if (typeof value !== 'object' || value === null || random(5) === 0) return evil()
  const keys = Object.keys(value)
  if (keys.length === 0) return evil()
  const at = keys[random(keys.length)]!
  if (Array.isArray(value)) return value.map((each, index) => (String(index) === at ? mutate(each, random) : each))
  const copy = { ...value } as Record<string, unknown>
  const how = random(6)
  if (how === 0) copy[String(evil())] = copy[at]
  else if (how === 1) delete copy[at]
  else copy[at] = mutate(copy[at], random)
  return copy
}

const who = { project_id: 'p', user_id: 'u', consumer_generation: null, consumer_type: 'INSTANCE' }

/** Bodies that the newest version takes, by method and path. */
function samples(provider: string): Record<string, unknown> {
  const inventory = { total: 4, reserved: 0, min_unit: 1, max_unit: 4, step_size: 1, allocation_ratio: 1 }
  const at = { resource_provider_generation: 1 }
  const allocation = { allocations: { [provider]: { resources: { VCPU: 1 } } }, ...who, mappings: { '': [provider] } }
  const inventories = { ...at, inventories: { VCPU: inventory } }
  return {
    'POST /resource_providers': { name: 'x', uuid: randomUUID(), parent_provider_uuid: provider },
    'PUT /resource_providers/:uuid': { name: 'x', parent_provider_uuid: null },
    'POST /resource_providers/:uuid/inventories': { ...at, resource_class: 'DISK_GB', ...inventory },
    'PUT /resource_providers/:uuid/inventories': inventories,
    'PUT /resource_providers/:uuid/inventories/:resource_class': { ...at, ...inventory },
    'PUT /resource_providers/:uuid/aggregates': { ...at, aggregates: [randomUUID()] },
    'PUT /resource_providers/:uuid/traits': { ...at, traits: ['HW_CPU_X86_AVX2'] },
    'POST /resource_classes': { name: 'CUSTOM_X' },
    'POST /allocations': { [randomUUID()]: allocation },
    'PUT /allocations/:consumer_uuid': allocation,
    'POST /reshaper': { inventories: { [provider]: inventories }, allocations: { [randomUUID()]: allocation } },
  }
}

const queries: Record<string, readonly string[]> = {
  '/resource_providers': ['name', 'uuid', 'member_of', 'resources', 'in_tree', 'required'],
  '/allocation_candidates':
    'resources required member_of in_tree limit group_policy root_required same_subtree resources_A required_A member_of1'.split(
      ' ',
    ),
  '/traits': ['name', 'associated'],
  '/usages': ['project_id', 'user_id', 'consumer_type'],
}
const friendly = ['VCPU:1', 'HW_CPU_X86_AVX2', 'in:HW_CPU_X86_AVX2', 'none', '_A', '10', 'p', randomUUID(), 'true']

interface Errors {
  errors?: { status: number; detail: string }[]
}

const isEnvelope = ({ status, body }: Answer<Errors>) =>
  status < 400 || (body.errors?.[0]?.status === status && typeof body.errors[0].detail === 'string')

test('H8, H4, P8: no body, query or path makes it fail', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const provider = await addProvider(placement, { name: 'host', inventory: { VCPU: 4 } })
  const random = randomizer(11)
  const pick = (from: readonly unknown[]) => String(from[random(from.length)])
  const wrong = new Set<string>()
  let taken = 0
  for (const route of routes) {
    const label = `${route.method} ${route.path}`
    const body = samples(provider)[label]
    assert.ok(body !== undefined || !route.body || route.until, `no sample for ${label}`)
    for (let round = 0; round < 60; round++) {
      const path = route.path.replaceAll(/:(\w+)/g, (_all, name) => {
        if (random(3) === 0) return encodeURIComponent(pick(hostile).toWellFormed().slice(0, 900)) || 'x'
        return name === 'uuid'
          ? provider
          : name === 'name'
            ? 'CUSTOM_X'
            : name === 'resource_class'
              ? 'VCPU'
              : randomUUID()
      })
      const names = queries[route.path] ?? ['project_id']
      const pairs = Array.from(
        { length: random(4) },
        () => [pick(names), pick(random(2) ? hostile : friendly)] as const,
      )
      const query = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value.slice(0, 5000)]))
      const answer = await placement.call<Errors>(
        route.method,
        `${path}?${query}`,
        body === undefined ? undefined : mutate(body, random),
        { version: route.until === undefined ? '1.39' : '1.6' },
      )
      if (answer.status < 300) taken++
      if (answer.status >= 500 || !isEnvelope(answer)) wrong.add(`${label} ${answer.status} ?${query}`.slice(0, 300))
    }
  }
  assert.deepEqual([...wrong], [])
  assert.ok(taken > 200, `${taken} were taken`)
})

test('H4, P7: names are kept as they are and matched whole', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const names = ['a%b', 'a_b', 'aXb', "'; drop table providers; --", '<b>', '😀', 'a\nb', '../x', '$(id)', '  ']
  for (const name of names) await addProvider(placement, { name })
  for (const name of names) {
    const query = new URLSearchParams({ name })
    const { resource_providers: found } = await placement.must<{ resource_providers: { name: string }[] }>(
      'GET',
      `/resource_providers?${query}`,
    )
    assert.deepEqual(
      found.map((each) => each.name),
      [name],
    )
  }
})

test('P8: keys that mean something to JavaScript are data or refused', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const log = createLogger({ name: 'http', level: 'fatal' })
  const server = await serve(placement.app, { host: '127.0.0.1', port: 0, log })
  t.after(() => server.close(0))
  const send = async (text: string) => {
    const headers = { 'X-Auth-Token': 'admin', 'Content-Type': 'application/json' }
    const options = { method: 'POST', headers: { ...headers, 'OpenStack-API-Version': 'placement 1.39' }, body: text }
    return (await fetch(`http://127.0.0.1:${server.port}/resource_providers`, options)).status
  }
  assert.equal(await send('{"name": "a", "__proto__": {"uuid": "x"}}'), 400)
  assert.equal(await send('{"name": "a", "constructor": {}}'), 400)
  assert.equal(await send('{"name": "a", "uuid": 9007199254740993}'), 400)
  assert.equal(await send(`${'['.repeat(5000)}${']'.repeat(5000)}`), 400)
  assert.equal(await send(`{"name": "${'x'.repeat(200_000)}"}`), 413)
  const { status } = await placement.call('GET', '/usages?project_id=constructor&user_id=__proto__')
  assert.equal(status, 200)
  // Not a query for nothing: a resource class that is not there.
  for (const path of ['/resource_providers', '/allocation_candidates'])
    assert.equal((await placement.call('GET', `${path}?resources=__proto__:1`)).status, 400)
})

test('B2: an inventory is found under its own provider only', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const one = await addProvider(placement, { name: 'one', inventory: { VCPU: 1 } })
  const two = await addProvider(placement, { name: 'two', inventory: { DISK_GB: 1 } })
  for (const [provider, name] of [
    [one, 'DISK_GB'],
    [two, 'VCPU'],
  ]) {
    const path = `/resource_providers/${provider}/inventories/${name}`
    assert.equal((await placement.call('GET', path)).status, 404)
    assert.equal((await placement.call('DELETE', path)).status, 404)
  }
})

test('B6: a claim that names a provider or class that is not there changes nothing', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const host = await addProvider(placement, { name: 'host', inventory: { VCPU: 4 } })
  const consumer = await claim(placement, host, { VCPU: 1 })
  const held = await placement.must('GET', `/allocations/${consumer}`)
  const others = [
    { [host]: { resources: { VCPU: 2 } }, [randomUUID()]: { resources: { VCPU: 1 } } },
    { [host]: { resources: { VCPU: 2, CUSTOM_NONE: 1 } } },
    { [host]: { resources: { VCPU: 2, DISK_GB: 1 } } },
  ]
  for (const allocations of others) {
    const body = { ...who, allocations, consumer_generation: 1 }
    const { status } = await placement.call('PUT', `/allocations/${consumer}`, body)
    assert.ok(status === 400 || status === 409, String(status))
    assert.deepEqual(await placement.must('GET', `/allocations/${consumer}`), held)
  }
})

test('P15: a forged Host is in no link', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'ftp' }
  const made = await placement.call('POST', '/resource_providers', { name: 'x' }, { headers })
  const root = await placement.call('GET', '/', undefined, { headers })
  assert.match(made.headers['location']!, /^http:\/\/placement\.test\//)
  assert.doesNotMatch(JSON.stringify([made, root]), /evil/)
})

test('U5: browsers of other origins are told nothing unless the operator names them', async (t) => {
  const closed = await startPlacement()
  t.after(() => closed.stop())
  const open = await startPlacement({ config: '[cors]\nallowed_origin = https://dash.example\n' })
  t.after(() => open.stop())
  const from = async (placement: TestPlacement, origin: string) => {
    const { headers } = await placement.call('GET', '/resource_providers', undefined, { headers: { origin } })
    return headers['access-control-allow-origin']
  }
  assert.equal(await from(closed, 'https://dash.example'), undefined)
  assert.equal(await from(open, 'https://dash.example'), 'https://dash.example')
  assert.equal(await from(open, 'https://dash.example.evil'), undefined)
})

test('P5, P16: a request with very many answers is bounded by its limit or by the operator', async (t) => {
  const placement = await startPlacement({ config: '[placement]\nmax_allocation_candidates = 50\n' })
  t.after(() => placement.stop())
  const root = await addProvider(placement, { name: 'root', inventory: { VCPU: 8 } })
  for (let card = 0; card < 30; card++) {
    await addProvider(placement, { name: `card${card}`, parent: root, inventory: { SRIOV_NET_VF: 8 } })
  }
  const groups = (count: number) =>
    Array.from({ length: count }, (_, group) => `resources_${group}=SRIOV_NET_VF:1`).join('&')
  const count = async (query: string) =>
    (await placement.must<{ allocation_requests: unknown[] }>('GET', `/allocation_candidates?${query}`))
      .allocation_requests.length
  assert.equal(await count(`${groups(10)}&group_policy=none&limit=7`), 7)
  assert.equal(await count(`${groups(10)}&group_policy=isolate`), 50)
  assert.equal(await count(`${groups(31)}&group_policy=isolate`), 0)
})

test('P11: a database that fails is told without its words', async () => {
  const placement = await startPlacement()
  await placement.stop()
  const answer = await placement.call<Errors>('GET', `/resource_providers/${randomUUID()}`)
  assert.ok(answer.status >= 500)
  assert.ok(isEnvelope(answer))
  assert.doesNotMatch(JSON.stringify(answer.body), /sqlite|select|database is|\.ts|at /i)
})
