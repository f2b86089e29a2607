/**
 * H1: every route of compute x every persona x own and foreign objects, on a real service: what an answer allows is what
 * nova's rule says about the true facts of the object in the address, and who may not know of an object gets 404. The
 * table of routes is the program's own, so a new one is tried without anybody thinking of it. Requests that would change
 * something stop at the moment their policy passes.
 */
import { HttpError } from '../../src/platform/http/errors.ts'
import assert from 'node:assert/strict'
import { after, before, mock, test } from 'node:test'
import type { TSchema } from 'typebox'
import { createContext } from '../../src/platform/auth/context.ts'
import { PolicyEnforcer, type PolicyTarget, type Rule } from '../../src/platform/auth/policy.ts'
import { httpTransport, localTransport } from '../../src/platform/http/client.ts'
import type { Route } from '../../src/platform/http/route.ts'
import { serve } from '../../src/platform/http/server.ts'
import { createLogger } from '../../src/platform/log/log.ts'
import { routes as table } from '../../src/services/compute/api/routes.ts'
import { rules } from '../../src/services/compute/api/rules.ts'
import {
  callerOf,
  eventually,
  FakeAgent,
  p1,
  p2,
  TestCloud,
  type Tree,
} from '../../src/services/compute/testing/cloud.ts'
import { imageId, networkId } from '../../src/services/compute/testing/fakes.ts'
import { versions } from '../../src/services/compute/versions.ts'

const routes = table as readonly Route<never>[]
const teapot = 418
class PolicyPassed extends HttpError {
  constructor() {
    super(teapot, 'the policy passed')
  }
}

/** Objects of one project, by the name of the parameter's place: `servers`, `servers/os-interface`. */
interface Side {
  name: string
  project: string
  user: string
  ids: Record<string, string>
}

const enforcer = new PolicyEnforcer(rules)
const evaluate = PolicyEnforcer.prototype.check
const cloud = new TestCloud()
let home: Side
let foreign: Side
/** The rule that a request is about: when it lets it pass, the request ends there. */
let watched: Rule | undefined

const callers = [
  null,
  `none@${p1}`,
  `reader@${p1}`,
  `member@${p1}`,
  `manager@${p1}`,
  `admin@${'f'.repeat(32)}`,
  'service@service',
]

before(async () => {
  await cloud.start()
  const agent = new FakeAgent(cloud.bus, 'h1')
  agent.uptime = '1 day'
  await agent.heartbeat()
  const flavor = { name: 'm1.tiny', id: '1', ram: 64, vcpus: 1, disk: 1 }
  assert.equal((await cloud.call('admin', 'POST', '/flavors', { flavor })).status, 200)
  home = await makeSide('home', p1)
  foreign = await makeSide('foreign', p2)
  mock.method(
    PolicyEnforcer.prototype,
    'check',
    function check(this: PolicyEnforcer, ...args: Parameters<typeof evaluate>) {
      const allowed = evaluate.apply(this, args)
      if (allowed && args[0].name === watched?.name) throw new PolicyPassed()
      return allowed
    },
  )
})
after(() => cloud.stop())

const text = (value: Tree | undefined) => value as unknown as string
const first = (value: Tree | undefined) => (value as unknown as Tree[])[0]!

async function makeSide(name: string, project: string): Promise<Side> {
  const user = `member@${project}`
  const make = async (path: string, json: object, version?: string) => {
    const { status, body } = await cloud.call(user, 'POST', path, json, version)
    assert.ok(status < 300, JSON.stringify(body))
    return Object.values(body)[0]!
  }
  const made = await make('/servers', {
    server: {
      name,
      imageRef: imageId,
      flavorRef: '1',
      networks: [{ uuid: networkId }],
      metadata: { k: 'v' },
      tags: ['t'],
    },
  })
  const server = text(made['id'])
  const show = async () => (await cloud.call(user, 'GET', `/servers/${server}`)).body['server']!
  await eventually(async () => text((await show())['status']) === 'ACTIVE', 'ACTIVE')
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHdSdGl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5 me'
  await make('/os-keypairs', { keypair: { name: 'k', public_key: key } })
  const actions = (await cloud.call(user, 'GET', `/servers/${server}/os-instance-actions`)).body
  const port = first((await cloud.call(user, 'GET', `/servers/${server}/os-interface`)).body['interfaceAttachments'])
  const admin = async (path: string) => (await cloud.call('admin', 'GET', path)).body
  const flavor = {
    name: `own-${name}`,
    id: `own-${name}`,
    ram: 64,
    vcpus: 1,
    disk: 1,
    'os-flavor-access:is_public': false,
  }
  await cloud.call('admin', 'POST', '/flavors', { flavor })
  await cloud.call('admin', 'POST', `/flavors/own-${name}/action`, { addTenantAccess: { tenant: project } })
  await cloud.call('admin', 'POST', `/flavors/own-${name}/os-extra_specs`, { extra_specs: { key: 'x' } })
  const aggregate = { name: `a-${name}`, availability_zone: null }
  const aggregates = (await cloud.call('admin', 'POST', '/os-aggregates', { aggregate })).body
  return {
    name,
    project,
    user,
    ids: {
      servers: server,
      'servers/metadata': 'k',
      'servers/tags': 't',
      'servers/ips': 'private',
      'servers/os-interface': text(port['port_id']),
      'servers/os-instance-actions': text(first(actions['instanceActions'])['request_id']),
      'os-keypairs': 'k',
      'os-server-groups': text((await make('/os-server-groups', { server_group: { name, policy: 'affinity' } }))['id']),
      flavors: `own-${name}`,
      'flavors/os-extra_specs': 'key',
      'servers/os-volume_attachments': uuid,
      'os-services': text(first((await admin('/os-services'))['services'])['id']),
      'os-hypervisors': text(first((await admin('/os-hypervisors'))['hypervisors'])['id']),
      'os-aggregates': text(aggregates['aggregate']!['id']),
      'os-quota-sets': project,
      'os-quota-class-sets': 'default',
      'os-security-groups': [...cloud.securityGroups.groups.keys()][0]!,
      'os-security-group-rules': '1',
    },
  }
}

const placesOf = (route: Route<never>): string[] => {
  const words = route.path.split('/').slice(1)
  return words.flatMap((word, at) =>
    word.startsWith(':')
      ? [
          words
            .slice(0, at)
            .filter((each) => !each.startsWith(':'))
            .join('/'),
        ]
      : [],
  )
}

/** The address with the ids of `side`, of `inner` behind the first one. */
function addressOf(route: Route<never>, side: Side, inner = side): string {
  const places = placesOf(route)
  let at = 0
  return route.path.replace(/:\w+/g, () => {
    const id = (at === 0 ? side : inner).ids[places[at++]!]
    assert.ok(id !== undefined, `this test has no id for ${places[at - 1]} of ${route.method} ${route.path}`)
    return id
  })
}

const nameOf = (number: number) => `${Math.floor(number / 1000)}.${number % 1000}`
/** The newest version that has the route. */
const versionOf = (route: Route<never>): string =>
  route.until === undefined ? versions.max : nameOf(versions.numberOf(route.until) - 1)

const uuid = '99999999-9999-4999-8999-999999999999'
/** Bodies by method and path; a route that takes a body and is not here is made one from its schema. */
const bodies: Record<string, unknown> = {
  'POST /servers': { server: { name: 'x', imageRef: imageId, flavorRef: '1', networks: 'none' } },
  'PUT /servers/:id': { server: { name: 'x' } },
  'POST /flavors': { flavor: { name: 'x', ram: 1, vcpus: 1, disk: 1 } },
  'POST /os-server-groups': { server_group: { name: 'x', policy: 'affinity' } },
  'POST /os-keypairs': { keypair: { name: 'x', public_key: 'ssh-ed25519 AAAA' } },
  'PUT /servers/:id/metadata/:key': { meta: { k: 'v' } },
  'PUT /flavors/:id/os-extra_specs/:key': { key: 'v' },
  'POST /servers/:id/remote-consoles': { remote_console: { protocol: 'vnc', type: 'novnc' } },
  'POST /os-server-external-events': { events: [{ server_uuid: uuid, name: 'network-changed' }] },
  'POST /servers/:id/os-interface': { interfaceAttachment: { net_id: networkId } },
  'PUT /os-services/:id': { forced_down: true },
  'PUT /os-services/:id until service-uuid': { host: 'h1', binary: 'nova-compute', forced_down: true },
  'PUT /os-aggregates/:id': { aggregate: { name: 'x' } },
}
/** What actions want besides their name. */
const values: Record<string, unknown> = {
  reboot: { type: 'SOFT' },
  'os-resetState': { state: 'error' },
  addSecurityGroup: { name: 'web' },
  removeSecurityGroup: { name: 'web' },
  'os-getConsoleOutput': {},
  'os-getVNCConsole': { type: 'novnc' },
}

/** Each way to call a route: one, or one for each action that its rules name. */
interface Call {
  route: Route<never>
  rule: Rule
  body: unknown
  version: string
}

function callsOf(route: Route<never>): Call[] {
  const version = versionOf(route)
  const named = [route.policy ?? []].flat() as Rule[]
  const key = `${route.method} ${route.path}`
  if (!route.path.endsWith('/action')) {
    const body = route.body
      ? (bodies[`${key} until ${route.until}`] ?? bodies[key] ?? sampleOf(schemaOf(route, version)))
      : undefined
    return named.slice(0, 1).map((rule) => ({ route, rule, body, version }))
  }
  return named.flatMap((rule) => {
    const action = rule.operations.flatMap((each) => /\((\S+)\)$/.exec(each)?.[1] ?? [])[0] ?? actionOfRule(rule)
    if (/unlock_override/.test(rule.name)) return []
    // Consoles have a route of their own since then.
    const at = action === 'os-getVNCConsole' || rule.name.endsWith('remote-consoles') ? '2.5' : version
    const name = rule.name.endsWith('remote-consoles') ? 'os-getVNCConsole' : action
    return [{ route, rule, body: { [name]: valueOf(name) }, version: at }]
  })
}

const actionOfRule = ({ name }: Rule): string =>
  ({
    add_host: 'add_host',
    remove_host: 'remove_host',
    set_metadata: 'set_metadata',
    add_tenant_access: 'addTenantAccess',
    remove_tenant_access: 'removeTenantAccess',
    'os-console-output': 'os-getConsoleOutput',
    add: 'addSecurityGroup',
    remove: 'removeSecurityGroup',
  })[name.split(':').at(-1)!] ?? `no action is known for ${name}`

const valueOf = (action: string): unknown =>
  /host/.test(action)
    ? { host: 'h1' }
    : action === 'set_metadata'
      ? { metadata: { a: 'b' } }
      : /Tenant/.test(action)
        ? { tenant: p1 }
        : (values[action] ?? null)

function schemaOf(route: Route<never>, version: string): TSchema {
  const body = route.body!
  if (!('steps' in body)) return body
  const number = versions.parse(version)!.number
  return body.steps.findLast(([since]) => number >= versions.numberOf(since))![1]
}

/** The smallest body that a schema takes. */
function sampleOf(schema: TSchema, name = ''): unknown {
  const about = schema as {
    type?: string
    anyOf?: TSchema[]
    items?: TSchema
    enum?: unknown[]
    const?: unknown
    properties?: Record<string, TSchema>
    patternProperties?: Record<string, TSchema>
    required?: string[]
    minimum?: number
    format?: string
  }
  if (about.const !== undefined) return about.const
  if (about.enum) return about.enum[0]
  if (about.anyOf)
    return sampleOf(
      about.anyOf.find((each) => (each as { type?: string }).type !== 'null')!,
      name,
    )
  if (about.type === 'object') {
    const wanted = Object.entries(about.properties ?? {}).filter(([key]) => about.required?.includes(key))
    const free = Object.values(about.patternProperties ?? {}).map((each) => ['a', sampleOf(each)])
    return Object.fromEntries([...wanted.map(([key, each]) => [key, sampleOf(each, key)]), ...free]) as object
  }
  if (about.type === 'array') return about.items ? [sampleOf(about.items, name)] : []
  if (about.type === 'boolean') return true
  if (about.type === 'integer') return Math.max(1, about.minimum ?? 1)
  return about.format === 'uuid' || /(group|parent).*id/.test(name)
    ? home.ids['os-security-groups']
    : name.includes('port')
      ? '1'
      : 'x'
}

/** What is true of the object in the address; for a collection, of what the caller would make. */
function factsOf(route: Route<never>, side: Side, caller: string): PolicyTarget {
  const kind = route.path.split('/')[1]!
  const project = caller.split('@')[1]
  const own = { project_id: project, user_id: caller }
  if (!route.path.includes('/:')) return own
  if (kind === 'servers' || kind === 'os-server-groups') return { project_id: side.project, user_id: side.user }
  return kind === 'os-quota-sets' ? { project_id: side.project } : own
}

/** Foreign ids of these are nobody's secret, or are looked up by whoever asks. */
const isOwned = (route: Route<never>) => /^\/(servers|os-server-groups)\/:/.test(route.path)

async function look(call: Call, caller: string | null, side: Side): Promise<string | undefined> {
  const { route, rule, body, version } = call
  const isRead = route.method === 'GET'
  watched = isRead ? undefined : rule
  const { status, body: answer } = await cloud.call(caller ?? '', route.method, addressOf(route, side), body, version)
  watched = undefined
  if (status >= 500) return `answers ${status} ${JSON.stringify(answer)}`
  if (caller === null) return status === 401 ? undefined : `answers ${status} without a token`
  if (status === 400) return `takes no sample body: ${JSON.stringify(body)} ${JSON.stringify(answer)}`
  const context = createContext(enforcer, 'req', callerOf(caller))
  const may = evaluate.call(enforcer, rule, factsOf(route, side, caller), context)
  const passed = status === teapot || status < 300
  if (passed && !may && !(isRead && isOpen(route, side))) return `is let in (${status}), the rule says no`
  if (!passed && may && status === 403) return 'is refused, the rule says yes'
  if (!passed && !may && isOwned(route) && side.project !== context.projectId && status !== 404)
    return `answers ${status} about what it may not know of`
  if (!passed && !may && isOwned(route) && side.project === context.projectId && status !== 403)
    return `answers ${status} where the rule forbids`
  if (!isRead && status < 300) return `answers ${status} without asking its policy`
  return undefined
}

/** A flavor that the caller may use is shown to him; the rule decides on its extra specs only. */
const isOpen = (route: Route<never>, side: Side) =>
  route.path === '/flavors/:id' ? side.name === 'home' : route.path === '/flavors/detail'

test('H1, B5, B9: every route answers each persona about own and foreign objects as its rule says', async (context) => {
  const found: string[] = []
  let count = 0
  for (const call of routes.flatMap(callsOf)) {
    for (const caller of callers) {
      for (const side of call.route.path.includes('/:') ? [home, foreign] : [home]) {
        const problem = await look(call, caller, side)
        const what = `${call.route.method} ${call.route.path} ${call.rule.name} @${call.version}`
        if (problem !== undefined) found.push(`${what} | ${side.name} | ${caller} ${problem}`)
        count++
      }
    }
  }
  assert.ok(found.length === 0, found.join('\n'))
  context.diagnostic(`${count} requests`)
})

test('H1, B3: no list shows anything of another project, whatever the query asks for', async () => {
  const hidden = Object.entries(foreign.ids)
    .filter(([kind]) => /^(servers|os-server-groups|flavors|servers\/os-interface)$/.test(kind))
    .map(([, id]) => id)
  const wider = [
    '',
    `project_id=${p2}`,
    `tenant_id=${p2}`,
    `user_id=member@${p2}`,
    'all_tenants=0',
    'all_projects=1',
    `deleted=1`,
    'is_public=none',
    `uuid=${foreign.ids['servers']}`,
    `host=h1`,
    'name=.',
    'limit=1000',
  ]
  for (const route of routes.filter(({ method, path }) => method === 'GET' && !path.includes('/:'))) {
    for (const query of wider) {
      const { body } = await cloud.call(`member@${p1}`, 'GET', `${route.path}?${query}`, undefined, versionOf(route))
      for (const id of hidden)
        assert.ok(!JSON.stringify(body ?? {}).includes(id), `${route.path}?${query} shows ${id} of another project`)
    }
  }
  for (const path of ['/servers', '/servers/detail']) {
    const { status } = await cloud.call(`member@${p1}`, 'GET', `${path}?all_tenants=1`)
    assert.equal(status, 403)
  }
})

test('H1, B2: what is inside another object is found under its own only', async () => {
  for (const route of routes.filter(({ path }) => /^\/servers\/:\w+\/.*\/:/.test(path))) {
    if (/metadata|tags|ips/.test(route.path)) continue // names, not ids: each server has its own
    const url = addressOf(route, home, foreign)
    const { status } = await cloud.call(`member@${p1}`, route.method, url)
    assert.equal(status, 404, `${route.method} ${url}`)
  }
})

test('B4: each rule set to ! closes its routes and no others', async () => {
  const call = (method: string, path: string, json?: unknown, version?: string) =>
    cloud.call('admin', method, path, json, version)
  const check = PolicyEnforcer.prototype.check
  for (const { route, rule, body, version } of routes.flatMap(callsOf)) {
    let wasAsked = false
    mock.method(
      PolicyEnforcer.prototype,
      'check',
      function refuse(this: PolicyEnforcer, ...args: Parameters<typeof evaluate>) {
        if (args[0].name !== rule.name) return evaluate.apply(this, args)
        wasAsked = true
        return false
      },
    )
    const { status } = await call(route.method, addressOf(route, home), body, version)
    PolicyEnforcer.prototype.check = check
    assert.ok(wasAsked, `${route.method} ${route.path} does not ask ${rule.name}`)
    if (route.path.startsWith('/flavors')) continue // some only decide on what is shown
    assert.ok(status === 403 || status === 404, `${route.method} ${route.path} answers ${status} without ${rule.name}`)
  }
})

test('B1: what a query or a body says about owners and targets changes no decision', async () => {
  const claims = [
    `project_id=${p1}`,
    `tenant_id=${p1}`,
    `user_id=member@${p1}`,
    'is_admin=True',
    `target.project_id=${p1}`,
  ]
  const query = claims.join('&')
  for (const call of routes.flatMap(callsOf)) {
    if (!isOwned(call.route)) continue
    const { route, rule, body, version } = call
    const url = addressOf(route, foreign)
    watched = rule
    const plain = await cloud.call(`member@${p1}`, route.method, url, body, version)
    const asked = await cloud.call(`member@${p1}`, route.method, `${url}?${query}`, body, version)
    const told = { ...(body as object), project_id: p1, is_admin: true, target: { project_id: p1 } }
    const said = await cloud.call(`member@${p1}`, route.method, url, route.body ? told : undefined, version)
    watched = undefined
    assert.equal(plain.status, 404, `${route.method} ${url}`)
    assert.ok([400, 404].includes(asked.status), `${route.method} ${url} with a query: ${asked.status}`)
    assert.ok([400, 404].includes(said.status), `${route.method} ${url} with a body: ${said.status}`)
  }
})

test('B10: a call in the process is answered like one through a socket, whoever makes it', async (t) => {
  const app = cloud.service.apps['compute']!
  const server = await serve(app, { host: '127.0.0.1', port: 0, log: createLogger({ name: 'test' }) })
  t.after(() => server.close())
  const ways = [localTransport(app), httpTransport(`http://127.0.0.1:${server.port}`)]
  // Nobody here changes anything, so that both ways meet the same objects.
  for (const { route, body, version } of routes.flatMap(callsOf)) {
    for (const token of ['', 'invented', `none@${p1}`, `reader@${p1}`, 'service@service']) {
      for (const side of [home, foreign]) {
        const headers = { 'X-Auth-Token': token, 'OpenStack-API-Version': `compute ${version}` }
        const request = { method: route.method, path: `/v2.1${addressOf(route, side)}`, headers }
        const [inside, outside] = await Promise.all(
          ways.map((way) => way.send({ ...request, ...(body !== undefined && { json: body }) })),
        )
        const what = `${route.method} ${request.path} as ${token}`
        assert.equal(inside!.status, outside!.status, what)
        // Readers of the present time differ by a moment.
        if (inside!.status >= 400) assert.deepEqual(inside!.body, outside!.body, what)
      }
    }
  }
  const path = '/v2.1/servers'
  const headers = { 'X-Auth-Token': `member@${p1}`, 'OpenStack-API-Version': 'compute 2.96' }
  for (const json of [{}, { server: {} }, { server: { name: '', flavorRef: '1' } }, [], { __proto__x: 1 }]) {
    const [inside, outside] = await Promise.all(ways.map((way) => way.send({ method: 'POST', path, headers, json })))
    assert.deepEqual([inside!.status, inside!.body], [400, outside!.body], JSON.stringify(json))
  }
})
