/**
 * Every route of identity x every persona x own, home and foreign objects, on a real service: what an answer allows is
 * what keystone's rule says about the true facts of the objects in the address, whatever the handler told the enforcer.
 * Requests that would change something stop at the moment their policy passes.
 */
import { HttpError } from '../../src/platform/http/errors.ts'
import assert from 'node:assert/strict'
import { after, before, mock, test } from 'node:test'
import type { TSchema } from 'typebox'
import { createContext } from '../../src/platform/auth/context.ts'
import type { Credentials } from '../../src/platform/auth/credentials.ts'
import { PolicyEnforcer, type PolicyTarget, type Rule } from '../../src/platform/auth/policy.ts'
import type { Route } from '../../src/platform/http/route.ts'
import { policies } from '../../src/services/identity/policies.ts'
import { routes } from '../../src/services/identity/api/routes.ts'
import { createTestIdentity, type TestIdentity } from '../../src/services/identity/testing/identity.ts'
import { authorizationExceptions } from './exceptions.ts'

/** Ids of one side of the border between two domains, by the kind of object. */
type Side = Record<string, string>

interface Caller {
  name: string
  token: string | null
  credentials: Credentials | null
}

const teapot = 418
class PolicyPassed extends HttpError {
  constructor() {
    super(teapot, 'the policy passed')
  }
}

const enforcer = new PolicyEnforcer(policies)
const evaluate = PolicyEnforcer.prototype.check
let isDryRun = false
let identity: TestIdentity
let home: Side
let foreign: Side
let callers: Caller[]

before(async () => {
  identity = await createTestIdentity()
  const make = identity.whole.bind(identity)
  const makeSide = async (name: string): Promise<Side> => {
    const domain = (await make('POST', '/domains', { domain: { name } })).domain!.id
    const user = (await make('POST', '/users', { user: { name: 'u', domain_id: domain } })).user!.id
    const group = (await make('POST', '/groups', { group: { name: 'g', domain_id: domain } })).group!.id
    const project = (await make('POST', '/projects', { project: { name: 'p', domain_id: domain } })).project!.id
    // Groups and options of the configurations of domains.
    const options = { config: 'ldap', ':group': 'url', security_compliance: 'password_regex' }
    return { domain, user, group, project, name, ...options }
  }
  home = await makeSide('home')
  foreign = await makeSide('foreign')
  const shared = await makeShared()
  Object.assign(home, shared, await makeLimit(shared, home))
  Object.assign(foreign, shared, await makeLimit(shared, foreign))
  const inDomain = { domain: home['domain']! }
  const inProject = { project: home['project']! }
  const of = async (name: string, role: string, scope: Parameters<TestIdentity['persona']>[1]) =>
    caller(name, (await identity.persona(role, scope, home['domain'])).token)
  callers = [
    { name: 'nobody', token: null, credentials: null },
    await caller('system admin', await identity.login('admin', 'admin-password', { system: { all: true } })),
    await of('system reader', 'reader', 'system'),
    await of('domain admin', 'admin', inDomain),
    await of('domain manager', 'manager', inDomain),
    await of('domain reader', 'reader', inDomain),
    await of('project admin', 'admin', inProject),
    await of('project manager', 'manager', inProject),
    await of('project member', 'member', inProject),
    await of('project reader', 'reader', inProject),
  ]
  mock.method(
    PolicyEnforcer.prototype,
    'check',
    function check(this: PolicyEnforcer, ...args: Parameters<typeof evaluate>) {
      const allowed = evaluate.apply(this, args)
      if (allowed && isDryRun) throw new PolicyPassed()
      return allowed
    },
  )
})

after(() => identity.close())

async function caller(name: string, token: string): Promise<Caller> {
  return { name, token, credentials: await identity.service.authenticator.validate(token) }
}

/** Objects that belong to no domain. */
async function makeShared(): Promise<Side> {
  const make = identity.whole.bind(identity)
  const service = (await make('POST', '/services', { service: { type: 'test' } })).service!.id
  const endpoint = { service_id: service, interface: 'public', url: 'http://test', region_id: 'RegionOne' }
  const registered = { service_id: service, resource_name: 'thing', default_limit: 5 }
  const made = (await make('POST', '/registered_limits', { registered_limits: [registered] })) as unknown
  return {
    service,
    endpoint: (await make('POST', '/endpoints', { endpoint })).endpoint!.id,
    role: (await make('POST', '/roles', { role: { name: 'some-role' } })).role!.id,
    implies: (await make('POST', '/roles', { role: { name: 'implied-role' } })).role!.id,
    region: 'RegionOne',
    registered_limit: (made as { registered_limits: { id: string }[] }).registered_limits[0]!.id,
  }
}

async function makeLimit(shared: Side, { project }: Side): Promise<Side> {
  const limit = { service_id: shared['service'], resource_name: 'thing', resource_limit: 3, project_id: project }
  const made = (await identity.whole('POST', '/limits', { limits: [limit] })) as unknown
  return { limit: (made as { limits: { id: string }[] }).limits[0]!.id }
}

/** What a parameter stands for is told by the segment before it: `/users/:id`. */
const kindOf = (segment: string): string => segment.replace(/ies$/, 'y').replace(/([^s])s$/, '$1')

function addressOf(route: Route<never>, side: Side) {
  const kinds = new Set<string>()
  const segments = route.path.split('/')
  const url = segments.map((segment, at) => {
    if (!segment.startsWith(':')) return segment
    const kind = kindOf(segments[at - 1] ?? '')
    if (side[kind] === undefined) return 'no-such-thing'
    kinds.add(kind)
    return side[kind]
  })
  return { url: url.join('/'), kinds }
}

/** The smallest body that the schema takes, with the ids of that side. */
function sampleOf(schema: TSchema, side: Side, name = ''): unknown {
  const about = schema as { type?: string; anyOf?: TSchema[]; items?: TSchema; minItems?: number; const?: unknown } & {
    properties?: Record<string, TSchema>
    required?: string[]
    minimum?: number
    enum?: unknown[]
  }
  if (about.const !== undefined) return about.const
  if (about.enum) return about.enum[0]
  if (about.anyOf)
    return sampleOf(
      about.anyOf.find((each) => (each as { type?: string }).type !== 'null')!,
      side,
      name,
    )
  if (about.type === 'object') {
    const wanted = Object.entries(about.properties ?? {}).filter(
      ([key]) => about.required?.includes(key) || key === 'domain_id' || about.required === undefined,
    )
    return Object.fromEntries(wanted.map(([key, each]) => [key, sampleOf(each, side, key)]))
  }
  if (about.type === 'array') return about.items ? [sampleOf(about.items, side, name)] : []
  if (about.type === 'boolean') return true
  if (about.type === 'integer' || about.type === 'number') return Math.max(1, about.minimum ?? 1)
  const known = side[name.replace(/_id$/, '')]
  return name.endsWith('_id') && known !== undefined ? known : /url/.test(name) ? 'http://test' : 'x'
}

/** The true facts about the objects of a request, in the words of keystone's rules. */
function factsOf(side: Side, kinds: ReadonlySet<string>): PolicyTarget {
  const has = (kind: string, value: unknown) => kinds.has(kind) && { [kind]: value }
  const inDomain = (kind: string) => has(kind, { id: side[kind], domain_id: side['domain'] })
  return {
    ...(kinds.has('user') && { user_id: side['user'] }),
    ...(kinds.has('project') && { project_id: side['project'] }),
    target: {
      domain_id: side['domain'],
      ...inDomain('user'),
      ...inDomain('group'),
      ...inDomain('project'),
      ...has('domain', { id: side['domain'], domain_id: null }),
      ...has('role', { id: side['role'], name: 'some-role', domain_id: null }),
      ...has('credential', { user_id: side['user'] }),
      ...has('limit', {
        project_id: side['project'],
        domain_id: null,
        domain: { id: null },
        project: { domain_id: side['domain'] },
      }),
    },
  }
}

const rulesOf = (route: Route<never>): readonly Rule[] =>
  route.policy === null ? [] : ([route.policy].flat() as Rule[])

function kindsInBody(body: unknown): string[] {
  const inner = Object.values((body ?? {}) as Record<string, unknown>)[0]
  const one = (Array.isArray(inner) ? inner[0] : inner) as Record<string, unknown> | undefined
  return one && typeof one === 'object' && 'domain_id' in one ? ['user', 'group', 'project'] : []
}

async function look(route: Route<never>, who: Caller, side: Side): Promise<string | undefined> {
  const { url, kinds } = addressOf(route, side)
  const body = route.body && 'type' in route.body ? sampleOf(route.body as TSchema, side) : undefined
  isDryRun = route.method !== 'GET'
  const { status } = await identity.send(who.token, route.method, url, body)
  isDryRun = false
  if (status >= 500) return `answers ${status}`
  if (who.credentials === null) return status === 401 ? undefined : `answers ${status} without a token`
  if (status === 400) return `takes no sample body: ${JSON.stringify(body)}`
  const context = createContext(enforcer, 'req', who.credentials)
  // A collection is about the caller's own domain, which a body may name.
  const isCollection = route.method === 'GET' && kinds.size === 0
  if (/\/(credentials|OS-EC2)$/.test(url)) kinds.add('credential')
  const facts = factsOf(
    side,
    new Set([...kinds, ...(isCollection ? ['user', 'group', 'project', 'domain'] : kindsInBody(body))]),
  )
  const mayPass = rulesOf(route).some((each) => evaluate.call(enforcer, each, facts, context))
  const passed = status === teapot || status < 300
  if (passed && !mayPass) return `is let in (${status}), the rule says no`
  if (!passed && mayPass && status === 403) return 'is refused, the rule says yes'
  if (isChange(route) && status < 300) return `answers ${status} without asking its policy`
  return undefined
}

const isChange = (route: Route<never>) => route.method !== 'GET' && route.method !== 'HEAD'

test('H1, B5, B9: every route answers each persona about own, home and foreign objects as its rule says', async (context) => {
  const found = new Set<string>()
  let count = 0
  for (const route of routes as readonly Route<never>[]) {
    if (route.policy === null || (route.auth ?? 'required') !== 'required') continue
    for (const who of callers) {
      const own = { ...home, user: who.credentials?.userId ?? home['user']!, name: 'own' }
      for (const side of route.method === 'GET' && !route.path.includes('/:') ? [own] : [own, home, foreign]) {
        const problem = await look(route, who, side)
        if (problem !== undefined) found.add(`${route.method} ${route.path} | ${side['name']} | ${who.name} ${problem}`)
        count++
      }
    }
  }
  const isExcused = (line: string) =>
    authorizationExceptions.some(({ routes: argued }) => argued.some((each) => line.startsWith(`${each} |`)))
  const open = [...found].filter((line) => !isExcused(line))
  assert.ok(open.length === 0, `mend these or argue them in test/contract/exceptions.ts:\n${open.join('\n')}`)
  const stale = authorizationExceptions.flatMap(({ routes: argued }) =>
    argued.filter((each) => ![...found].some((line) => line.startsWith(`${each} |`))),
  )
  assert.ok(stale.length === 0, `no longer needed in test/contract/exceptions.ts:\n${stale.join('\n')}`)
  context.diagnostic(`${count} requests`)
})
