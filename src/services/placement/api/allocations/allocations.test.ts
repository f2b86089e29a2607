import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { addProvider, claim } from '../../testing/cloud-of.ts'
import { startPlacement, type TestPlacement } from '../../testing/placement.ts'

interface Errors {
  errors: { detail: string; code: string }[]
}
interface Shown {
  allocations: Record<string, { resources: Record<string, number>; generation: number }>
  project_id?: string
  user_id?: string
  consumer_generation?: number
  consumer_type?: string
}

const who = { project_id: 'p', user_id: 'u' }

async function setUp(t: TestContext): Promise<TestPlacement & { a: string; b: string }> {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const vcpu = { total: 8, min_unit: 2, max_unit: 6, step_size: 2 }
  const a = await addProvider(placement, { name: 'a', inventory: { VCPU: vcpu, DISK_GB: 100 } })
  const b = await addProvider(placement, { name: 'b', inventory: { VCPU: 8, DISK_GB: 100 } })
  return { ...placement, a, b }
}

test('each version writes and reads allocations in its own form', async (t) => {
  const { call, must, a } = await setUp(t)
  const list = { allocations: [{ resource_provider: { uuid: a }, resources: { VCPU: 2 } }] }
  const map = { allocations: { [a]: { resources: { VCPU: 2 } } }, ...who }
  const accepted: readonly (readonly [string, object])[] = [
    ['1.0', list],
    ['1.8', { ...list, ...who }],
    ['1.12', map],
    ['1.28', { ...map, consumer_generation: null }],
    ['1.34', { ...map, consumer_generation: null, mappings: { '': [a] } }],
    ['1.38', { ...map, consumer_generation: null, consumer_type: 'INSTANCE' }],
  ]
  for (const [version, body] of accepted) {
    const uuid = randomUUID()
    assert.equal((await call('PUT', `/allocations/${uuid}`, body, { version })).status, 204, version)
    for (const [other, otherBody] of accepted) {
      const isOlder = Number(other.slice(2)) < Number(version.slice(2))
      // 1.34 also takes what 1.28 does.
      if (!isOlder || (version === '1.34' && other === '1.28')) continue
      const { status } = await call('PUT', `/allocations/${randomUUID()}`, otherBody, { version })
      assert.equal(status, 400, `${other} at ${version}`)
    }
    await must('DELETE', `/allocations/${uuid}`)
  }
  const uuid = randomUUID()
  await must('PUT', `/allocations/${uuid}`, { ...map, consumer_generation: null, consumer_type: 'INSTANCE' })
  const keys = async (version: string) =>
    Object.keys((await call<Shown>('GET', `/allocations/${uuid}`, undefined, { version })).body)
  assert.deepEqual(await keys('1.11'), ['allocations'])
  assert.deepEqual(await keys('1.12'), ['allocations', 'project_id', 'user_id'])
  assert.deepEqual(await keys('1.28'), ['allocations', 'project_id', 'user_id', 'consumer_generation'])
  assert.equal((await keys('1.38')).at(-1), 'consumer_type')
})

test('a claim keeps capacity, units and steps, and is all or nothing', async (t) => {
  const { call, must, a, b } = await setUp(t)
  const put = (resources: Record<string, Record<string, number>>, uuid: string = randomUUID()) => {
    const allocations = Object.fromEntries(Object.entries(resources).map(([key, each]) => [key, { resources: each }]))
    const body = { allocations, ...who, consumer_generation: null, consumer_type: 'INSTANCE' }
    return call<Errors>('PUT', `/allocations/${uuid}`, body)
  }
  for (const amount of [1, 3, 7]) {
    const { status, body } = await put({ [a]: { VCPU: amount } })
    assert.equal(status, 409)
    assert.match(body.errors[0]!.detail, /would violate inventory constraints/)
  }
  assert.equal((await put({ [a]: { VCPU: 6 }, [b]: { VCPU: 4 } })).status, 204)
  const { status, body } = await put({ [b]: { VCPU: 4, DISK_GB: 1 }, [a]: { VCPU: 4 } })
  assert.equal(status, 409)
  assert.match(body.errors[0]!.detail, /would exceed the capacity/)
  const usages = async (uuid: string) =>
    (await must<{ usages: Record<string, number> }>('GET', `/resource_providers/${uuid}/usages`)).usages
  assert.deepEqual(await usages(a), { VCPU: 6, DISK_GB: 0 })
  assert.deepEqual(await usages(b), { VCPU: 4, DISK_GB: 0 })
  assert.equal((await put({ [a]: { MEMORY_MB: 1 } })).status, 409)
  assert.equal((await put({ [randomUUID()]: { VCPU: 2 } })).status, 400)
  assert.equal((await put({ [a]: { VCPU: 2 } }, 'x')).status, 400)
})

test('consumers have generations, a type that old clients keep, and end with their last allocation', async (t) => {
  const placement = await setUp(t)
  const { call, must, a, b } = placement
  const uuid = await claim(placement, a, { VCPU: 2 }, { type: 'MIGRATION' })
  const read = () => must<Shown>('GET', `/allocations/${uuid}`)
  assert.equal((await read()).consumer_generation, 1)
  const body = { allocations: { [b]: { resources: { VCPU: 2 } } }, ...who }
  const put = (generation: number | null, version = '1.28', more: object = {}) =>
    call<Errors>('PUT', `/allocations/${uuid}`, { ...body, consumer_generation: generation, ...more }, { version })
  for (const wrong of [null, 0, 7]) {
    const { status, body: failed } = await put(wrong)
    assert.equal(status, 409)
    assert.equal(failed.errors[0]!.code ?? 'placement.concurrent_update', 'placement.concurrent_update')
    assert.match(failed.errors[0]!.detail, /consumer generation conflict/)
  }
  assert.equal((await put(1)).status, 204)
  const moved = await read()
  assert.deepEqual(Object.keys(moved.allocations), [b])
  assert.deepEqual([moved.consumer_generation, moved.consumer_type], [2, 'MIGRATION'])
  const empty = { allocations: {}, ...who, consumer_generation: 2 }
  assert.equal((await call('PUT', `/allocations/${uuid}`, empty, { version: '1.28' })).status, 204)
  assert.deepEqual(await read(), { allocations: {} })
  assert.equal((await put(2)).status, 409)
  assert.equal((await put(null)).status, 204)
  assert.equal((await read()).consumer_type, 'unknown')
  await must('DELETE', `/allocations/${uuid}`)
  assert.equal((await call('DELETE', `/allocations/${uuid}`)).status, 404)
})

test('several consumers are changed together or not at all', async (t) => {
  const placement = await setUp(t)
  const { call, must, a, b } = placement
  const from = await claim(placement, a, { VCPU: 6 })
  const to = randomUUID()
  const post = (amount: number) =>
    call('POST', '/allocations', {
      [from]: { allocations: {}, ...who, consumer_generation: 1, consumer_type: 'INSTANCE' },
      [to]: {
        allocations: { [a]: { resources: { VCPU: 6 } }, [b]: { resources: { VCPU: amount } } },
        ...who,
        consumer_generation: null,
        consumer_type: 'INSTANCE',
      },
    })
  assert.equal((await post(9)).status, 409)
  assert.deepEqual(Object.keys((await must<Shown>('GET', `/allocations/${from}`)).allocations), [a])
  assert.equal((await post(8)).status, 204)
  assert.deepEqual((await must<Shown>('GET', `/allocations/${from}`)).allocations, {})
  const ofProvider = await must<{ allocations: Record<string, { consumer_generation: number }> }>(
    ...(['GET', `/resource_providers/${a}/allocations`] as const),
  )
  assert.equal(ofProvider.allocations[to]?.consumer_generation, 1)
  assert.equal((await call('POST', '/allocations', {}, { version: '1.12' })).status, 404)
})

test('usages of a project, by user, class and type of consumer', async (t) => {
  const placement = await setUp(t)
  const { call, a, b } = placement
  await claim(placement, a, { VCPU: 2, DISK_GB: 1 }, { project: 'p', user: 'u' })
  await claim(placement, b, { VCPU: 3 }, { project: 'p', user: 'v', type: 'MIGRATION' })
  await claim(placement, b, { VCPU: 1 }, { project: 'q' })
  const usages = async (query: string, version = '1.39') =>
    (await call<{ usages: object }>('GET', `/usages?${query}`, undefined, { version })).body.usages
  assert.deepEqual(await usages('project_id=p', '1.37'), { VCPU: 5, DISK_GB: 1 })
  assert.deepEqual(await usages('project_id=p&user_id=v', '1.9'), { VCPU: 3 })
  assert.deepEqual(await usages('project_id=p'), {
    INSTANCE: { VCPU: 2, DISK_GB: 1, consumer_count: 1 },
    MIGRATION: { VCPU: 3, consumer_count: 1 },
  })
  assert.deepEqual(await usages('project_id=p&consumer_type=all'), { all: { VCPU: 5, DISK_GB: 1, consumer_count: 2 } })
  assert.deepEqual(await usages('project_id=p&consumer_type=unknown'), {})
  assert.deepEqual(await usages('project_id=none'), {})
  assert.equal((await call('GET', '/usages')).status, 400)
  assert.equal((await call('GET', '/usages?project_id=p', undefined, { version: '1.8' })).status, 404)
})

test('the reshaper moves inventories with what is allocated from them', async (t) => {
  const placement = await setUp(t)
  const { call, must, b } = placement
  const child = await addProvider(placement, { name: 'child', parent: b })
  const consumer = await claim(placement, b, { VCPU: 4, DISK_GB: 10 })
  const generation = async (uuid: string) =>
    (await must<{ generation: number }>('GET', `/resource_providers/${uuid}`)).generation
  const body = async (amount: number) => ({
    inventories: {
      [b]: { resource_provider_generation: await generation(b), inventories: { DISK_GB: { total: 100 } } },
      [child]: { resource_provider_generation: await generation(child), inventories: { VCPU: { total: 8 } } },
    },
    allocations: {
      [consumer]: {
        allocations: { [b]: { resources: { DISK_GB: 10 } }, [child]: { resources: { VCPU: amount } } },
        ...who,
        consumer_generation: 1,
        consumer_type: 'INSTANCE',
      },
    },
  })
  const token = 'nova:service;service'
  assert.equal((await call('POST', '/reshaper', await body(9), { token })).status, 409)
  assert.equal((await call('POST', '/reshaper', await body(4), { token })).status, 204)
  const usages = async (uuid: string) =>
    (await must<{ usages: Record<string, number> }>('GET', `/resource_providers/${uuid}/usages`)).usages
  assert.deepEqual(await usages(b), { DISK_GB: 10 })
  assert.deepEqual(await usages(child), { VCPU: 4 })
  const stale = await body(4)
  stale.inventories[b]!.resource_provider_generation = 0
  const refused = await call<Errors>('POST', '/reshaper', stale, { token })
  assert.deepEqual([refused.status, refused.body.errors[0]!.code], [409, 'placement.concurrent_update'])
})
