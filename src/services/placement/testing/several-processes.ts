/**
 * Tests of two services on one database, as two control processes are: each sees at once what the other did, and capacity
 * holds. Declared once for each engine.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { addProvider, claim } from './cloud-of.ts'
import { startPlacement, type TestPlacement } from './placement.ts'

interface Candidates {
  allocation_requests: { allocations: Record<string, unknown> }[]
  provider_summaries: Record<string, { resources: Record<string, { used: number; capacity: number }> }>
}

const candidates = (placement: TestPlacement, query: string) =>
  placement.must<Candidates>('GET', `/allocation_candidates?${query}`)

/** `makeDatabase` gives the URL of an empty database; undefined for a file of the service's own. */
export function testSeveralProcesses(makeDatabase: () => Promise<string | undefined> = async () => undefined): void {
  async function startTwo(t: TestContext): Promise<[TestPlacement, TestPlacement]> {
    const given = await makeDatabase()
    const first = await startPlacement(given === undefined ? {} : { databaseUrl: given })
    const second = await startPlacement({ databaseUrl: first.databaseUrl })
    t.after(async () => {
      await second.stop()
      await first.stop()
    })
    return [first, second]
  }

  test('what one process changes, the candidates and lists of the other show at once', async (t) => {
    const [here, there] = await startTwo(t)
    const names = async () => {
      const { resource_providers: all } = await there.must<{ resource_providers: { name: string }[] }>(
        'GET',
        '/resource_providers',
      )
      return all.map((each) => each.name).sort()
    }
    assert.deepEqual(await names(), [])
    const host = await addProvider(here, { name: 'host', inventory: { VCPU: 4 }, traits: ['COMPUTE_NODE'] })
    assert.deepEqual(await names(), ['host'])
    assert.equal((await candidates(there, 'resources=VCPU:1&required=COMPUTE_NODE')).allocation_requests.length, 1)

    const consumer = await claim(here, host, { VCPU: 4 })
    assert.equal((await candidates(there, 'resources=VCPU:1')).allocation_requests.length, 0)
    await there.must('DELETE', `/allocations/${consumer}`)
    const free = await candidates(here, 'resources=VCPU:1')
    assert.deepEqual(free.provider_summaries[host]?.resources['VCPU'], { capacity: 4, used: 0 })

    const child = await addProvider(there, { name: 'gpu', parent: host, inventory: { CUSTOM_GPU: 1 } })
    const both = 'resources=VCPU:1&resources_G=CUSTOM_GPU:1&group_policy=none'
    assert.equal((await candidates(here, both)).allocation_requests.length, 1)
    const { generation } = await here.must<{ generation: number }>('GET', `/resource_providers/${child}`)
    await here.must('PUT', `/resource_providers/${child}/inventories`, {
      resource_provider_generation: generation,
      inventories: {},
    })
    assert.equal((await candidates(there, both)).allocation_requests.length, 0)
    await there.must('PUT', `/resource_providers/${child}`, { name: 'card', parent_provider_uuid: null })
    assert.deepEqual(await names(), ['card', 'host'])
    await there.must('DELETE', `/resource_providers/${child}`)
    const left = await here.must<{ resource_providers: unknown[] }>('GET', '/resource_providers')
    assert.equal(left.resource_providers.length, 1)
  })

  test('B11: 60 claims at once from two processes where 10 fit give 10', async (t) => {
    const both = await startTwo(t)
    const hosts = [
      await addProvider(both[0], { name: 'a', inventory: { VCPU: 12, DISK_GB: 1000 } }),
      await addProvider(both[0], { name: 'b', inventory: { VCPU: { total: 4, allocation_ratio: 2 }, DISK_GB: 1000 } }),
    ]
    const claims = Array.from({ length: 60 }, (_, index) =>
      both[index % 2]!.call<{ errors: { detail: string }[] }>('PUT', `/allocations/${randomUUID()}`, {
        allocations: { [hosts[index % 3 === 0 ? 1 : 0]!]: { resources: { VCPU: 2, DISK_GB: 1 } } },
        project_id: 'p',
        user_id: 'u',
        consumer_generation: null,
        consumer_type: 'INSTANCE',
      }),
    )
    const answers = await Promise.all(claims)
    assert.equal(answers.filter((each) => each.status === 204).length, 10)
    for (const { status, body } of answers.filter((each) => each.status !== 204)) {
      assert.equal(status, 409)
      assert.match(body.errors[0]!.detail, /exceed the capacity/)
    }
    for (const [at, most] of [12, 8].entries()) {
      for (const placement of both) {
        const { usages } = await placement.must<{ usages: { VCPU: number } }>(
          'GET',
          `/resource_providers/${hosts[at]}/usages`,
        )
        assert.equal(usages.VCPU, most)
      }
    }
  })

  test('of writers that know the same generation one wins', async (t) => {
    const both = await startTwo(t)
    const host = await addProvider(both[0], { name: 'a', inventory: { VCPU: 100 } })
    const consumer = await claim(both[0], host, { VCPU: 1 })
    const replaced = await Promise.all(
      [2, 3, 4, 5].map((amount, index) =>
        both[index % 2]!.call<{ errors: { code: string }[] }>('PUT', `/allocations/${consumer}`, {
          allocations: { [host]: { resources: { VCPU: amount } } },
          project_id: 'p',
          user_id: 'u',
          consumer_generation: 1,
          consumer_type: 'INSTANCE',
        }),
      ),
    )
    assert.deepEqual(replaced.map((each) => each.status).sort(), [204, 409, 409, 409])
    for (const { status, body } of replaced) {
      if (status === 409) assert.equal(body.errors[0]!.code, 'placement.concurrent_update')
    }
    const { generation } = await both[1].must<{ generation: number }>('GET', `/resource_providers/${host}`)
    const inventory = await Promise.all(
      [50, 60, 70].map((total, index) =>
        both[index % 2]!.call('PUT', `/resource_providers/${host}/inventories`, {
          resource_provider_generation: generation,
          inventories: { VCPU: { total } },
        }),
      ),
    )
    assert.deepEqual(inventory.map((each) => each.status).sort(), [200, 409, 409])
  })

  test('B11: after random operations from two processes, usages equal a recount and no provider is over', async (t) => {
    const both = await startTwo(t)
    const capacity = 10
    const hosts: string[] = []
    for (const name of ['a', 'b', 'c']) hosts.push(await addProvider(both[0], { name, inventory: { VCPU: capacity } }))
    const consumers = Array.from({ length: 12 }, () => randomUUID())
    let seed = 7
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below
    const operate = async (): Promise<void> => {
      const placement = both[random(2)]!
      const consumer = consumers[random(consumers.length)]!
      if (random(4) === 0) return void (await placement.call('DELETE', `/allocations/${consumer}`))
      const { body } = await placement.call<{ consumer_generation?: number }>('GET', `/allocations/${consumer}`)
      const answer = await placement.call('PUT', `/allocations/${consumer}`, {
        allocations: {
          [hosts[random(3)]!]: { resources: { VCPU: 1 + random(4) } },
        },
        project_id: 'p',
        user_id: 'u',
        consumer_generation: body.consumer_generation ?? null,
        consumer_type: 'INSTANCE',
      })
      assert.ok([204, 409].includes(answer.status), String(answer.status))
    }
    for (let round = 0; round < 40; round++) await Promise.all(Array.from({ length: 8 }, operate))

    const counted = new Map<string, number>()
    for (const consumer of consumers) {
      const { allocations } = await both[0].must<{
        allocations: Record<string, { resources: { VCPU: number } }>
      }>('GET', `/allocations/${consumer}`)
      for (const [uuid, { resources }] of Object.entries(allocations)) {
        counted.set(uuid, (counted.get(uuid) ?? 0) + resources.VCPU)
      }
    }
    for (const placement of both) {
      const { provider_summaries: shown } = await candidates(placement, 'resources=VCPU:1')
      for (const uuid of hosts) {
        const { usages } = await placement.must<{ usages: { VCPU: number } }>(
          'GET',
          `/resource_providers/${uuid}/usages`,
        )
        assert.equal(usages.VCPU, counted.get(uuid) ?? 0)
        assert.ok(usages.VCPU <= capacity)
        // A full one is no candidate.
        if (usages.VCPU < capacity) assert.equal(shown[uuid]?.resources['VCPU']?.used, usages.VCPU)
        else assert.equal(shown[uuid], undefined)
      }
    }
  })
}
