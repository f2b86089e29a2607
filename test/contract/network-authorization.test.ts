/**
 * Every route of network x every persona x own, foreign, shared and external objects, on a real service: what an answer
 * allows is what neutron's rule says about the true facts of the object in the address, whatever the handler told the
 * enforcer, and who may not see an object gets 404. Requests that would change something stop when their policy passes.
 */
import { HttpError } from '../../src/platform/http/errors.ts'
import assert from 'node:assert/strict'
import { after, before, mock, test } from 'node:test'
import type { TSchema } from 'typebox'
import { createContext } from '../../src/platform/auth/context.ts'
import { PolicyEnforcer, type PolicyTarget, type Rule } from '../../src/platform/auth/policy.ts'
import type { Route } from '../../src/platform/http/route.ts'
import { policies } from '../../src/services/network/policies.ts'
import { routes } from '../../src/services/network/api/routes.ts'
import { createTestNetwork, personaOf, type TestNetwork } from '../../src/services/network/testing/service.ts'

/** Objects of one owner by the first segment of their address, and what is true of them. */
interface Side {
  name: string
  ids: Record<string, string>
  facts: Record<string, PolicyTarget>
}

const teapot = 418
class PolicyPassed extends HttpError {
  constructor() {
    super(teapot, 'the policy passed')
  }
}

const enforcer = new PolicyEnforcer(policies)
const evaluate = PolicyEnforcer.prototype.check
const ruleNamed = new Map(policies.map((rule) => [rule.name, rule]))
let network: TestNetwork
let sides: Side[]
/** The rules that a request is about: when one of them lets it pass, it ends there. */
let watched = new Set<string>()

const callers = [
  'none@home',
  'reader@home',
  'member@home',
  'manager@home',
  'admin@home',
  'service@service',
  'reader@ops',
  'member@ops',
  'admin@ops',
]

before(async () => {
  network = await createTestNetwork()
  sides = [await makeSide('home', {}), await makeSide('away', {}), await makeSide('shared', { shared: true })]
  mock.method(
    PolicyEnforcer.prototype,
    'check',
    function check(this: PolicyEnforcer, ...args: Parameters<typeof evaluate>) {
      const allowed = evaluate.apply(this, args)
      if (allowed && watched.has(args[0].name)) throw new PolicyPassed()
      return allowed
    },
  )
})

after(() => network.close())

async function makeSide(project: string, more: { shared?: boolean }): Promise<Side> {
  const owner = { project_id: project }
  const make = async (path: string, resource: string, body: object) =>
    (await network.make('admin@elsewhere', 'POST', path, { [resource]: { ...owner, ...body } })).id
  const networks = await make('/networks', 'network', more)
  const subnets = await make('/subnets', 'subnet', { network_id: networks, ip_version: 4, cidr: '10.0.0.0/24' })
  const ports = await make('/ports', 'port', { network_id: networks, device_owner: 'compute:nova' })
  const groups = await make('/security-groups', 'security_group', { name: 'g' })
  const rules = await make('/security-group-rules', 'security_group_rule', {
    security_group_id: groups,
    direction: 'ingress',
  })
  const external = await make('/networks', 'network', { 'router:external': true })
  await make('/subnets', 'subnet', { network_id: external, ip_version: 4, cidr: '10.9.0.0/24' })
  const isShared = more.shared === true
  const plain = { project_id: project, shared: false }
  const inNetwork = { project_id: project, 'network:project_id': project, shared: isShared }
  return {
    name: project,
    ids: {
      networks,
      subnets,
      ports,
      'security-groups': groups,
      'security-group-rules': rules,
      routers: await make('/routers', 'router', {}),
      floatingips: await make('/floatingips', 'floatingip', { floating_network_id: external }),
      subnetpools: await make('/subnetpools', 'subnetpool', { name: 'p', prefixes: ['10.50.0.0/16'], ...more }),
      'address-scopes': await make('/address-scopes', 'address_scope', more),
      'address-groups': await make('/address-groups', 'address_group', { addresses: ['10.0.0.0/8'] }),
      agents: ((await network.send('admin@ops', 'GET', '/v2.0/agents')).body['agents'] as { id: string }[])[0]!.id,
      'network-ip-availabilities': networks,
      quotas: project,
      'auto-allocated-topology': project,
      'default-security-group-rules': (
        (await network.send('admin@ops', 'GET', '/v2.0/default-security-group-rules')).body[
          'default_security_group_rules'
        ] as { id: string }[]
      )[0]!.id,
    },
    facts: {
      networks: { ...inNetwork, 'router:external': false },
      subnets: inNetwork,
      ports: { ...inNetwork, device_owner: 'compute:nova' },
      'security-groups': plain,
      'security-group-rules': { ...plain, 'security_group:project_id': project },
      routers: plain,
      floatingips: plain,
      subnetpools: { project_id: project, shared: isShared },
      'address-scopes': { project_id: project, shared: isShared },
      'address-groups': plain,
      quotas: { project_id: project },
      'auto-allocated-topology': { project_id: project },
    },
  }
}

const rulesOf = (route: Route<never>): readonly Rule[] =>
  route.policy === null ? [] : ([route.policy].flat() as Rule[])
const kindOf = (route: Route<never>): string => route.path.split('/')[1]!

/** The rule by which an object is seen at all. */
function sightOf(route: Route<never>): Rule | undefined {
  const kind = kindOf(route)
  const singular = kind
    .replaceAll('-', '_')
    .replace(/ies$/, 'y')
    .replace(/([^s])s$/, '$1')
  return kind === 'quotas' || kind === 'auto-allocated-topology' ? undefined : ruleNamed.get(`get_${singular}`)
}

/** The smallest body that the schema takes, with the ids of that side. */
function sampleOf(schema: TSchema, side: Side, name = ''): unknown {
  const about = schema as {
    type?: string
    anyOf?: TSchema[]
    items?: TSchema
    enum?: unknown[]
    const?: unknown
    properties?: Record<string, TSchema>
    required?: string[]
    pattern?: string
    minimum?: number
    converts?: string
    minProperties?: number
  }
  if (about.const !== undefined) return about.const
  if (about.enum) return about.enum[0]
  if (about.converts === 'boolean') return true
  if (about.anyOf)
    return sampleOf(
      about.anyOf.find((each) => (each as { type?: string }).type !== 'null')!,
      side,
      name,
    )
  if (about.type === 'object') {
    const entries = Object.entries(about.properties ?? {})
    const wanted = entries.filter(([key]) => about.required?.includes(key))
    const chosen = about.minProperties === 1 ? entries.slice(0, 1) : wanted
    return Object.fromEntries(chosen.map(([key, each]) => [key, sampleOf(each, side, key)]))
  }
  if (about.type === 'array') return about.items ? [sampleOf(about.items, side, name)] : []
  if (about.type === 'boolean') return true
  if (about.type === 'integer') return Math.max(1, about.minimum ?? 1)
  const known: Record<string, string | undefined> = {
    network_id: side.ids['networks'],
    floating_network_id: side.ids['networks'],
    security_group_id: side.ids['security-groups'],
    prefixes: '10.77.0.0/16',
    addresses: '10.77.0.0/16',
    host: 'h1',
  }
  return known[name] ?? (about.pattern?.startsWith('^[0-9a-fA-F]{8}') ? side.ids['networks'] : 'x')
}

/** What is true of the object in the address; for a collection, of what the body would make. */
function factsOf(route: Route<never>, side: Side, caller: string): PolicyTarget {
  const project = caller.split('@')[1]
  if (route.path.includes('/:')) return side.facts[kindOf(route)] ?? {}
  const own = { project_id: project }
  if (route.method === 'GET') return { ...own, 'security_group:project_id': project }
  switch (kindOf(route)) {
    case 'subnets':
      // An administrator's subnet is its network's owner's; for policy the network is what counts.
      return { ...own, 'network:project_id': side.facts['networks']!['project_id'] }
    case 'ports':
      return { ...own, 'network:project_id': side.facts['networks']!['project_id'], device_owner: '' }
    case 'security-group-rules':
      return { project_id: side.facts['security-groups']!['project_id'] }
    default:
      return own
  }
}

async function look(route: Route<never>, caller: string, side: Side): Promise<string | undefined> {
  const context = createContext(enforcer, 'req', personaOf(caller))
  const facts = factsOf(route, side, caller)
  const id = side.ids[kindOf(route)] ?? side.name
  const url = route.path.replace(/:\w+/, id).replaceAll(/:\w+/g, 'h1')
  const rules = rulesOf(route)
  watched = new Set(route.method === 'GET' ? [] : rules.map((rule) => rule.name))
  const body = route.body ? sampleOf(route.body as TSchema, side) : undefined
  const { status, body: answer } = await network.send(caller, route.method, `/v2.0${url}`, body)
  watched = new Set()
  if (status >= 500) return `answers ${status}`
  if (status === 400) return `takes no sample body: ${JSON.stringify(body)} ${JSON.stringify(answer)}`
  const isOne = route.path.includes('/:')
  const may = rules.some((rule) => evaluate.call(enforcer, rule, facts, context))
  const passed = status === teapot || status < 300
  // A list shows nothing to whom it shows nothing; that is no refusal.
  if (route.method === 'GET' && !isOne) {
    const items = Object.values((answer ?? {}) as Record<string, unknown[]>)[0]
    return passed && !may && Array.isArray(items) && items.length > 0 && !isOpenList(route)
      ? `lists ${items.length}, the rule says no`
      : undefined
  }
  const ownQuota = kindOf(route) === 'quotas' && route.method === 'GET' && facts['project_id'] === context.projectId
  if (passed && !may && !ownQuota) return `is let in (${status}), the rule says no`
  if (!passed && may && status === 403) return 'is refused, the rule says yes'
  const sight = sightOf(route)
  if (isOne && !passed && sight && !evaluate.call(enforcer, sight, facts, context) && status !== 404)
    return `answers ${status} about what it may not see`
  if (
    isOne &&
    !passed &&
    sight &&
    !may &&
    evaluate.call(enforcer, sight, facts, context) &&
    status !== 403 &&
    route.method !== 'GET'
  )
    return `answers ${status} where the rule forbids`
  if (route.method !== 'GET' && status < 300) return `answers ${status} without asking its policy`
  return undefined
}

/** These rules need no project: their lists are the same for all who pass them. */
const isOpenList = (route: Route<never>): boolean =>
  ['networks', 'subnets', 'subnetpools', 'address-scopes'].includes(kindOf(route))

test('H1, B5, B9: every route answers each persona about own, foreign and shared objects as its rule says', async (context) => {
  const found = new Set<string>()
  let count = 0
  for (const route of routes as readonly Route<never>[]) {
    if (route.policy === null) continue
    for (const caller of callers) {
      for (const side of sides) {
        const problem = await look(route, caller, side)
        if (problem !== undefined) found.add(`${route.method} ${route.path} | ${side.name} | ${caller} ${problem}`)
        count++
      }
    }
  }
  assert.ok(found.size === 0, [...found].join('\n'))
  context.diagnostic(`${count} requests`)
})

test('H1, B3: a list holds what the caller may see and nothing else', async () => {
  for (const [kind, singular] of [
    ['networks', 'network'],
    ['subnets', 'subnet'],
    ['ports', 'port'],
    ['routers', 'router'],
    ['floatingips', 'floatingip'],
    ['security-groups', 'security_group'],
    ['security-group-rules', 'security_group_rule'],
    ['subnetpools', 'subnetpool'],
    ['address-scopes', 'address_scope'],
    ['address-groups', 'address_group'],
  ] as const) {
    const rule = ruleNamed.get(`get_${singular}`)!
    for (const caller of callers) {
      const context = createContext(enforcer, 'req', personaOf(caller))
      const { body } = await network.send(caller, 'GET', `/v2.0/${kind}`)
      const ids = new Set((body[kind.replaceAll('-', '_')] as { id: string }[]).map(({ id }) => id))
      for (const side of sides)
        assert.equal(
          ids.has(side.ids[kind]!),
          evaluate.call(enforcer, rule, side.facts[kind]!, context),
          `${kind} of ${side.name} in the list of ${caller}`,
        )
    }
  }
})
