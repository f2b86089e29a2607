import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { addProvider, claim } from '../../testing/cloud-of.ts'
import { startPlacement, type TestPlacement } from '../../testing/placement.ts'

interface Answered {
  allocation_requests: { allocations: Record<string, { resources: Record<string, number> }>; mappings: object }[]
  provider_summaries: Record<string, { resources: object; traits: string[]; root_provider_uuid: string }>
}
interface Errors {
  errors: { detail: string; code: string }[]
}

/** Two hosts with a NUMA node and two network cards each, and storage that both share. */
async function setUp(t: TestContext, config = ''): Promise<TestPlacement & { ask(query: string): Promise<string[]> }> {
  const placement = await startPlacement({ config })
  t.after(() => placement.stop())
  const aggregate = randomUUID()
  const names = new Map<string, string>()
  const add = async (plan: Parameters<typeof addProvider>[1]) => {
    const uuid = await addProvider(placement, plan)
    names.set(uuid, plan.name)
    return uuid
  }
  for (const host of ['one', 'two']) {
    const root = await add({
      name: host,
      inventory: { MEMORY_MB: 1024 },
      traits: ['COMPUTE_NODE'],
      aggregates: [aggregate],
    })
    const numa = await add({ name: `${host}-numa`, parent: root, inventory: { VCPU: 4 }, traits: ['CUSTOM_NUMA'] })
    for (const card of ['x', 'y']) {
      const traits = [card === 'x' ? 'CUSTOM_NET_X' : 'CUSTOM_NET_Y']
      await add({ name: `${host}-${card}`, parent: numa, inventory: { SRIOV_NET_VF: 2 }, traits })
    }
  }
  const shared = { name: 'nfs', inventory: { DISK_GB: 1000 }, traits: ['MISC_SHARES_VIA_AGGREGATE'] }
  await add({ ...shared, aggregates: [aggregate] })
  return {
    ...placement,
    async ask(query) {
      const found = await placement.must<Answered>('GET', `/allocation_candidates?${query}`)
      const text = (resources: Record<string, number>) =>
        Object.entries(resources)
          .map(([name, amount]) => `${amount} ${name}`)
          .join('+')
      return found.allocation_requests
        .map(({ allocations }) =>
          Object.entries(allocations)
            .map(([uuid, { resources }]) => `${names.get(uuid)}: ${text(resources)}`)
            .sort()
            .join(', '),
        )
        .sort()
    },
  }
}

test('a tree gives together, with what is shared with it', async (t) => {
  const { ask } = await setUp(t)
  assert.deepEqual(await ask('resources=VCPU:1,MEMORY_MB:64,DISK_GB:10'), [
    'nfs: 10 DISK_GB, one-numa: 1 VCPU, one: 64 MEMORY_MB',
    'nfs: 10 DISK_GB, two-numa: 1 VCPU, two: 64 MEMORY_MB',
  ])
  assert.deepEqual(await ask('resources=VCPU:5'), [])
  assert.deepEqual(await ask('resources=VCPU:1&required=CUSTOM_NUMA&root_required=COMPUTE_NODE&limit=1'), [
    'one-numa: 1 VCPU',
  ])
  assert.deepEqual(await ask('resources=VCPU:1&required=!CUSTOM_NUMA'), [])
  assert.deepEqual(await ask('resources=VCPU:1&root_required=!COMPUTE_NODE'), [])
})

test('suffixed groups: isolation, subtrees, any of several traits', async (t) => {
  const { ask } = await setUp(t)
  const two = 'resources_A=SRIOV_NET_VF:1&resources_B=SRIOV_NET_VF:1'
  assert.equal((await ask(`${two}&group_policy=none`)).length, 8)
  assert.equal((await ask(`${two}&group_policy=isolate`)).length, 4)
  assert.deepEqual(await ask(`${two}&required_A=CUSTOM_NET_X&required_B=CUSTOM_NET_Y&group_policy=none&limit=1`), [
    'one-x: 1 SRIOV_NET_VF, one-y: 1 SRIOV_NET_VF',
  ])
  assert.deepEqual(
    await ask(
      'resources_A=SRIOV_NET_VF:2&resources_B=SRIOV_NET_VF:1&required_A=CUSTOM_NET_X&required_B=CUSTOM_NET_X&group_policy=none',
    ),
    [],
  )
  assert.equal((await ask('resources_A=SRIOV_NET_VF:1&required_A=in:CUSTOM_NET_X,CUSTOM_NET_Y')).length, 4)
  // The cards are below the NUMA node, not below each other.
  assert.equal((await ask(`${two}&same_subtree=_A,_B&group_policy=isolate`)).length, 0)
  const numa = 'resources_N=VCPU:1&required_N=CUSTOM_NUMA&resources_A=SRIOV_NET_VF:1'
  assert.equal((await ask(`${numa}&same_subtree=_N,_A&group_policy=none`)).length, 4)
  const bare = 'required_N=CUSTOM_NUMA&resources_A=SRIOV_NET_VF:1&required_A=CUSTOM_NET_X'
  assert.deepEqual(await ask(`${bare}&same_subtree=_N,_A&group_policy=none`), [
    'one-x: 1 SRIOV_NET_VF',
    'two-x: 1 SRIOV_NET_VF',
  ])
})

test('what is taken is no candidate, and the summaries say how much', async (t) => {
  const placement = await setUp(t)
  const { must, ask } = placement
  const { allocation_requests: found, provider_summaries: shown } = await must<Answered>(
    ...(['GET', '/allocation_candidates?resources=VCPU:4&limit=1'] as const),
  )
  const [numa] = Object.keys(found[0]!.allocations)
  assert.deepEqual(found[0]!.mappings, { '': [numa] })
  assert.equal(Object.keys(shown).length, 4, 'the whole tree')
  await claim(placement, numa!, { VCPU: 1 })
  assert.deepEqual(await ask('resources=VCPU:4'), ['two-numa: 4 VCPU'])
  const { provider_summaries: later } = await must<Answered>('GET', '/allocation_candidates?resources=VCPU:3')
  assert.deepEqual(later[numa!]!.resources, { VCPU: { capacity: 4, used: 1 } })
})

test('each version has its own parameters and form', async (t) => {
  const { call } = await setUp(t)
  const ask = (version: string, query: string) =>
    call<Answered & Errors>('GET', `/allocation_candidates?${query}`, undefined, { version })
  assert.equal((await ask('1.9', 'resources=VCPU:1')).status, 404)
  const list = await ask('1.10', 'resources=VCPU:1')
  assert.ok(Array.isArray(list.body.allocation_requests[0]!.allocations))
  const unaware = await ask('1.28', 'resources=VCPU:1,MEMORY_MB:1')
  assert.equal(unaware.body.allocation_requests.length, 0, 'before 1.29 one provider of a tree')
  assert.equal((await ask('1.29', 'resources=VCPU:1,MEMORY_MB:1')).body.allocation_requests.length, 2)
  assert.equal((await ask('1.33', 'resources=VCPU:1')).body.allocation_requests[0]!.mappings, undefined)
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['1.15', 'resources=VCPU:1&limit=1', /Additional properties/],
    ['1.16', 'resources=VCPU:1&required=COMPUTE_NODE', /Additional properties/],
    ['1.24', 'resources1=VCPU:1', /./],
    ['1.30', `resources=VCPU:1&in_tree=${randomUUID()}`, /./],
    ['1.32', 'resources_A=VCPU:1', /./],
    ['1.34', 'resources=VCPU:1&root_required=COMPUTE_NODE', /./],
    ['1.35', 'resources1=VCPU:1&same_subtree=1', /./],
    ['1.39', 'limit=1', /There must be at least one resources/],
    ['1.39', 'resources=VCPU:1&limit=0', /./],
    ['1.39', 'resources=VCPU:1&group_policy=perhaps', /./],
    ['1.39', 'resources_A=VCPU:1&resources_B=VCPU:1', /"group_policy" parameter is required/],
    ['1.39', 'resources=VCPU:1&required=COMPUTE_NODE&required=!COMPUTE_NODE', /Conflicting required and forbidden/],
    ['1.39', 'resources=VCPU:1&root_required=A&root_required=B', /may be specified only once/],
    ['1.39', 'resources_A=VCPU:1&same_subtree=_A,_B', /Real suffixes should be specified/],
    ['1.39', 'resources=CUSTOM_NONE:1', /Invalid resource class in resources parameter/],
  ]
  for (const [version, query, detail] of refused) {
    const { status, body } = await ask(version, query)
    assert.equal(status, 400, `${version} ${query}`)
    assert.match(body.errors[0]!.detail, detail, query)
  }
})

test('candidates can be drawn at random', async (t) => {
  const { ask } = await setUp(t, '[placement]\nrandomize_allocation_candidates = true\n')
  const seen = new Set<string>()
  for (let round = 0; round < 60 && seen.size < 2; round++) {
    seen.add((await ask('resources=VCPU:1&limit=1'))[0]!)
  }
  assert.deepEqual([...seen].sort(), ['one-numa: 1 VCPU', 'two-numa: 1 VCPU'])
})
