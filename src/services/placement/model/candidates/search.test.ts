/** The search against a slow one that tries everything, on random clouds and requests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fits } from '../capacity.ts'
import type { Provider, Stock } from '../provider.ts'
import { ProviderIndex } from '../provider-index.ts'
import { sharesViaAggregate } from '../standard-traits.ts'
import type { CandidateRequest, Group, SearchOptions } from './request.ts'
import { findCandidates, type Candidate } from './search.ts'

const classes = ['VCPU', 'MEMORY_MB', 'DISK_GB']
const traits = ['A', 'B', 'C']
const aggregates = ['x', 'y']
const everything: SearchOptions = {
  limit: undefined,
  maximum: undefined,
  isRandom: false,
  isBreadthFirst: false,
  isNestedAware: true,
}

/** The same numbers for the same seed. */
function randomizer(seed: number) {
  let state = seed * 7919 + 1
  const below = (limit: number) => (state = (state * 48_271) % 2_147_483_647) % limit
  return { below, some: <T>(from: readonly T[], of: number) => from.filter(() => below(of) === 0) }
}
type Random = ReturnType<typeof randomizer>

/** Three trees of up to four providers, and one that shares. */
function randomCloud({ below, some }: Random): Provider[] {
  const providers: Provider[] = []
  const make = (uuid: string, parent: Provider | undefined, shares: boolean) => {
    const stock = new Map<string, Stock>()
    for (const name of some(classes, 2)) {
      const rule = { total: 1 + below(4), reserved: 0, min_unit: 1, max_unit: 4, step_size: 1, allocation_ratio: 1 }
      stock.set(name, { ...rule, resourceClass: name, used: below(2) })
    }
    const provider: Provider = {
      uuid,
      name: uuid,
      generation: 0,
      root: parent?.root ?? uuid,
      parent: parent?.uuid ?? null,
      updatedAt: 0,
      stock,
      traits: new Set([...some(traits, 2), ...(shares ? [sharesViaAggregate] : [])]),
      aggregates: new Set(some(aggregates, 2)),
    }
    providers.push(provider)
    return provider
  }
  for (let tree = 0; tree < 3; tree++) {
    const root = make(`t${tree}`, undefined, false)
    const child = below(3) ? make(`t${tree}a`, root, false) : undefined
    if (below(2)) make(`t${tree}b`, root, false)
    if (child && below(2)) make(`t${tree}aa`, child, false)
  }
  if (below(2)) make('shared', undefined, true)
  return providers
}

function randomRequest({ below, some }: Random): CandidateRequest {
  const group = (suffix: string): Group => {
    const wanted = some(classes, 2)
    return {
      suffix,
      resources: Object.fromEntries((wanted.length > 0 ? wanted : ['VCPU']).map((name) => [name, 1 + below(2)])),
      required: some(traits, 4).map((trait) => (below(2) ? [trait] : [trait, 'B'])),
      forbidden: below(6) === 0 ? ['C'] : [],
      memberOf: below(5) === 0 ? [some(aggregates, 1)] : [],
      notMemberOf: below(8) === 0 ? ['y'] : [],
      inTree: below(8) === 0 ? 't0' : undefined,
    }
  }
  const suffixes = [['']].concat([
    ['', '_1'],
    ['_1', '_2'],
    ['', '_1', '_2'],
  ])[below(4)]!
  return {
    groups: suffixes.map(group),
    groupPolicy: below(2) ? 'isolate' : 'none',
    rootRequired: below(6) === 0 ? ['A'] : [],
    rootForbidden: below(8) === 0 ? ['B'] : [],
    sameSubtrees: suffixes.includes('_2') && below(2) ? [new Set(['_1', '_2'])] : [],
  }
}

type Choice = { group: Group; providers: Provider[]; parts: [Provider, string, number][] }

/** Every way, by the words of the API reference and nothing clever. */
function tryEverything(all: readonly Provider[], request: CandidateRequest): Set<string> {
  const found = new Set<string>()
  const byUuid = new Map(all.map((provider) => [provider.uuid, provider]))
  for (const root of all.filter((provider) => provider.parent === null)) {
    if (!request.rootRequired.every((trait) => root.traits.has(trait))) continue
    if (request.rootForbidden.some((trait) => root.traits.has(trait))) continue
    const isLent = (provider: Provider) =>
      provider.root !== root.uuid &&
      provider.traits.has(sharesViaAggregate) &&
      all.some((each) => each.root === root.uuid && [...each.aggregates].some((one) => provider.aggregates.has(one)))
    const around = all.filter((provider) => provider.root === root.uuid || isLent(provider))
    const choices = request.groups.map((group) => choicesOf(group, root, around, byUuid))
    for (const chosen of combine(choices)) if (isRight(chosen, request, byUuid)) found.add(keyOf(chosen))
  }
  return found
}

function choicesOf(group: Group, root: Provider, around: readonly Provider[], byUuid: Map<string, Provider>) {
  const names = Object.keys(group.resources)
  const inTree = group.inTree === undefined ? undefined : byUuid.get(group.inTree)?.root
  const isIn = (provider: Provider, any: readonly string[]) => any.some((each) => provider.aggregates.has(each))
  const isMember = (provider: Provider) =>
    group.memberOf.every((any) => isIn(provider, any)) ||
    (group.suffix === '' && provider.root === root.uuid && group.memberOf.every((any) => isIn(root, any)))
  const isBanned = (provider: Provider) =>
    isIn(provider, group.notMemberOf) || (group.suffix === '' && isIn(root, group.notMemberOf))
  const can = around.filter(
    (provider) =>
      isMember(provider) &&
      !isBanned(provider) &&
      (group.inTree === undefined || provider.root === inTree) &&
      !group.forbidden.some((trait) => provider.traits.has(trait)),
  )
  const has = (provider: Provider, name: string) => {
    const stock = provider.stock.get(name)
    return stock !== undefined && fits(stock, stock.used, group.resources[name]!)
  }
  const ways: Choice[] = []
  if (group.suffix !== '') {
    for (const provider of can.filter((each) => names.every((name) => has(each, name)))) {
      ways.push({ group, providers: [provider], parts: names.map((name) => [provider, name, group.resources[name]!]) })
    }
  } else {
    for (const givers of combine(names.map((name) => can.filter((each) => has(each, name))))) {
      const parts = names.map((name, at): Choice['parts'][0] => [givers[at]!, name, group.resources[name]!])
      ways.push({ group, providers: [...new Set(givers)], parts })
    }
  }
  return ways.filter(({ providers }) =>
    group.required.every((any) => any.some((trait) => providers.some((each) => each.traits.has(trait)))),
  )
}

function combine<T>(lists: readonly (readonly T[])[]): T[][] {
  let made: T[][] = [[]]
  for (const list of lists) made = made.flatMap((before) => list.map((each) => [...before, each]))
  return made
}

function isRight(chosen: readonly Choice[], request: CandidateRequest, byUuid: Map<string, Provider>): boolean {
  const apart = chosen.filter(({ group }) => group.suffix !== '').map(({ providers }) => providers[0]!)
  if (request.groupPolicy === 'isolate' && new Set(apart).size < apart.length) return false
  const sums = new Map<string, number>()
  for (const [provider, name, amount] of chosen.flatMap((each) => each.parts)) {
    const stock = provider.stock.get(name)!
    const sum = (sums.get(`${provider.uuid} ${name}`) ?? 0) + amount
    sums.set(`${provider.uuid} ${name}`, sum)
    if (sum > stock.max_unit || stock.used + sum > stock.total) return false
  }
  const isBelow = (provider: Provider, top: Provider): boolean =>
    provider === top || (provider.parent !== null && isBelow(byUuid.get(provider.parent)!, top))
  return request.sameSubtrees.every((suffixes) => {
    const members = chosen.filter(({ group }) => suffixes.has(group.suffix)).flatMap((each) => each.providers)
    return members.some((top) => members.every((each) => isBelow(each, top)))
  })
}

const keyOf = (chosen: readonly Choice[]): string =>
  keyOfParts(
    chosen.flatMap((each) => each.parts.map(([provider, name, amount]) => [provider.uuid, name, amount] as const)),
    Object.fromEntries(chosen.map(({ group, providers }) => [group.suffix, providers.map((each) => each.uuid)])),
  )

function keyOfParts(
  parts: readonly (readonly [string, string, number])[],
  mappings: Readonly<Record<string, readonly string[]>>,
): string {
  const sums = new Map<string, number>()
  for (const [uuid, name, amount] of parts) sums.set(`${uuid} ${name}`, (sums.get(`${uuid} ${name}`) ?? 0) + amount)
  const shown = Object.entries(mappings).map(([suffix, uuids]) => `${suffix}:${[...uuids].sort().join()}`)
  return [...[...sums].map(([key, sum]) => `${key} ${sum}`).sort(), ...shown.sort()].join(' | ')
}

const keyOfCandidate = ({ allocations, mappings }: Candidate): string =>
  keyOfParts(
    [...allocations].flatMap(([provider, resources]) =>
      [...resources].map(([name, amount]) => [provider.uuid, name, amount] as const),
    ),
    mappings,
  )

function indexOf(providers: readonly Provider[]): ProviderIndex {
  const index = new ProviderIndex()
  for (const provider of providers) index.put(provider)
  return index
}

test('the search finds what trying everything finds, each once', () => {
  let candidates = 0
  for (let seed = 1; seed <= 3000; seed++) {
    const random = randomizer(seed)
    const providers = randomCloud(random)
    const request = randomRequest(random)
    const found = findCandidates(indexOf(providers), request, everything).candidates.map(keyOfCandidate)
    const expected = tryEverything(providers, request)
    assert.deepEqual([...found].sort(), [...expected].sort(), `seed ${seed}`)
    candidates += found.length
  }
  assert.ok(candidates > 2000, `${candidates} candidates in all`)
})

test('a limit, a random order and turns choose among the same candidates', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = randomizer(seed)
    const index = indexOf(randomCloud(random))
    const request = randomRequest(random)
    const all = findCandidates(index, request, everything).candidates.map(keyOfCandidate)
    for (const options of [{ isRandom: true }, { isBreadthFirst: true }, { limit: 2 }, { maximum: 2 }]) {
      const some = findCandidates(index, request, { ...everything, ...options }).candidates.map(keyOfCandidate)
      assert.equal(some.length, 'limit' in options || 'maximum' in options ? Math.min(2, all.length) : all.length)
      assert.ok(some.every((key) => all.includes(key)))
      assert.equal(new Set(some).size, some.length)
    }
  }
})

test('the index follows changes of amounts, traits and trees', () => {
  const random = randomizer(5)
  const providers = randomCloud(random)
  const index = indexOf(providers)
  for (let step = 0; step < 200; step++) {
    const at = random.below(providers.length)
    const changed = randomCloud(random).find((each) => each.uuid === providers[at]!.uuid)
    if (!changed) continue
    providers[at] = { ...changed, root: providers[at]!.root, parent: providers[at]!.parent }
    index.put(providers[at]!)
    const request = randomRequest(random)
    const found = findCandidates(index, request, everything).candidates.map(keyOfCandidate)
    assert.deepEqual(found.sort(), [...tryEverything(providers, request)].sort(), `step ${step}`)
  }
})
