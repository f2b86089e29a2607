/**
 * Every route of image x every persona x images and namespaces of every visibility, on a real service: what an answer
 * allows is what glance's rules say about the true facts, whatever the handler told the enforcer. Requests that would
 * change something stop at the moment their policy passes.
 */
import { HttpError } from '../../src/platform/http/errors.ts'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, before, mock, test } from 'node:test'
import { PolicyEnforcer, type PolicyTarget, type Rule } from '../../src/platform/auth/policy.ts'
import { createContext } from '../../src/platform/auth/context.ts'
import type { Route } from '../../src/platform/http/route.ts'
import { policies } from '../../src/services/image/policies.ts'
import { routes } from '../../src/services/image/api/routes.ts'
import { credentialsOf, startImage, type TestImage } from '../../src/services/image/testing/image.ts'

const teapot = 418
class PolicyPassed extends HttpError {
  constructor() {
    super(teapot, 'the policy passed')
  }
}

/** Who asks: `project;roles` (testing/image.ts). */
const callers = [
  'admin',
  'alice;member,reader',
  'alice;reader',
  'guest;member,reader',
  'guest;reader',
  'stranger;member,reader',
  'stranger;reader',
  'alice;none',
  'nova;service',
]

interface Side {
  name: string
  image: string
  owner: string
  visibility: string
  namespace: string
  namespaceOwner: string
  namespaceVisibility: string
}

const enforcer = new PolicyEnforcer(policies)
const evaluate = PolicyEnforcer.prototype.check
let stopAt: ReadonlySet<string> = new Set()
let glance: TestImage
let task: string
const sides: Side[] = []

before(async () => {
  glance = await startImage()
  const v21 = { 'content-type': 'application/openstack-images-v2.1-json-patch' }
  for (const visibility of ['shared', 'private', 'public', 'community']) {
    const { id } = await glance.upload('data', {}, 'alice')
    const json = [
      { op: 'replace', path: '/visibility', value: visibility },
      { op: 'replace', path: '/tags', value: ['red'] },
    ]
    if (visibility === 'shared') {
      await glance.must('POST', `/images/${id}/members`, { json: { member: 'guest' } })
      const accepted = { json: { status: 'accepted' }, token: 'guest' }
      await glance.must('PUT', `/images/${id}/members/guest`, accepted)
    }
    await glance.must('PATCH', `/images/${id}`, { json, headers: v21 })
    const namespaceVisibility = visibility === 'public' ? 'public' : 'private'
    const namespace = `ns-${visibility}`
    await glance.must('POST', '/metadefs/namespaces', {
      json: {
        namespace,
        owner: 'alice',
        visibility: namespaceVisibility,
        objects: [{ name: 'part' }],
        properties: { part: { title: 'Part', type: 'string' } },
        tags: [{ name: 'part' }],
        resource_type_associations: [{ name: 'part' }],
      },
    })
    const facts = { image: id, owner: 'alice', visibility, namespace, namespaceOwner: 'alice', namespaceVisibility }
    sides.push({ name: visibility, ...facts })
  }
  const input = { import_from: 'http://192.0.2.1/', import_from_format: 'raw', image_properties: {} }
  const refused = await glance.call('POST', '/tasks', { json: { type: 'import', input } })
  assert.equal(refused.status, 400)
  const stage = await glance.create()
  await glance.must('PUT', `/images/${stage.id}/stage`, { data: 'x' })
  await glance.must('POST', `/images/${stage.id}/import`, { json: { method: { name: 'glance-direct' } } })
  task = (await glance.must<{ tasks: { id: string }[] }>('GET', `/images/${stage.id}/tasks`)).tasks[0]!.id
  mock.method(
    PolicyEnforcer.prototype,
    'check',
    function check(this: PolicyEnforcer, ...args: Parameters<typeof evaluate>) {
      const allowed = evaluate.apply(this, args)
      if (allowed && stopAt.has(args[0].name)) throw new PolicyPassed()
      return allowed
    },
  )
})

after(async () => {
  mock.restoreAll()
  await glance.stop()
})

const samples: Readonly<Record<string, unknown>> = {
  'POST /images': {},
  'PATCH /images/:id': [{ op: 'replace', path: '/name', value: 'x' }],
  'POST /images/:id/import': { method: { name: 'copy-image' }, stores: ['file'] },
  'POST /images/:id/locations': { url: 'http://example.org/' },
  'POST /images/:id/members': { member: 'x' },
  'PUT /images/:id/members/:member_id': { status: 'rejected' },
  'POST /tasks': { type: 'import', input: {} },
  'POST /metadefs/namespaces': { namespace: 'new' },
  'PUT /metadefs/namespaces/:namespace': { namespace: 'new' },
  'POST /metadefs/namespaces/:namespace/objects': { name: 'new' },
  'PUT /metadefs/namespaces/:namespace/objects/:name': { name: 'new' },
  'POST /metadefs/namespaces/:namespace/properties': { name: 'new', title: 'New', type: 'string' },
  'PUT /metadefs/namespaces/:namespace/properties/:name': { name: 'new', title: 'New', type: 'string' },
  'POST /metadefs/namespaces/:namespace/tags': { tags: [] },
  'PUT /metadefs/namespaces/:namespace/tags/:name': { name: 'new' },
  'POST /metadefs/namespaces/:namespace/resource_types': { name: 'new' },
}

/** What a request has to pass besides its own rule to find its object. */
const gate = (route: Route<never>) =>
  route.path.includes(':namespace')
    ? 'get_metadef_namespace'
    : /^\/(images|stores)\/:/.test(route.path)
      ? 'get_image'
      : null

function addressOf({ path }: Route<never>, side: Side): string {
  const values: Record<string, string> = {
    ':id': path.startsWith('/tasks') ? task : side.image,
    ':member_id': 'guest',
    ':tag': 'red',
    ':store': 'file',
    ':namespace': side.namespace,
    ':name': 'part',
  }
  return path.replaceAll(/:\w+/g, (name) => values[name]!)
}

function factsOf(route: Route<never>, side: Side, project: string): PolicyTarget {
  if (route.path.includes(':namespace'))
    return { project_id: side.namespaceOwner, visibility: side.namespaceVisibility }
  if (!/:id/.test(route.path)) return { project_id: project, owner: project }
  const isMember = side.visibility === 'shared' && project === 'guest'
  // That an image is shared lets in its members and nobody else.
  const visibility = side.visibility === 'shared' ? 'private' : side.visibility
  return { project_id: side.owner, owner: side.owner, visibility, ...(isMember && { member_id: project }) }
}

const rulesOf = (route: Route<never>): readonly Rule[] =>
  route.policy === null ? [] : ([route.policy].flat() as Rule[])

async function look(route: Route<never>, token: string, side: Side): Promise<string | undefined> {
  const key = `${route.method} ${route.path}`
  const isChange = route.method !== 'GET'
  const needsAll = key === 'DELETE /stores/:store/:id'
  // The sample is a copy, which has a rule of its own.
  const rules = rulesOf(route).filter((rule) => key !== 'POST /images/:id/import' || rule.name === 'copy_image')
  stopAt = new Set(isChange ? (needsAll ? rules.slice(-1) : rules).map((rule) => rule.name) : [])
  const json = samples[key]
  const { status, body } = await glance.call<unknown>(route.method, addressOf(route, side), {
    token,
    ...(json !== undefined && { json }),
    ...(route.method === 'PATCH' && {
      headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
    }),
    ...(route.stream && { data: 'x' }),
  })
  if (body instanceof Readable) body.destroy()
  stopAt = new Set()
  if (status >= 500) return `answers ${status}`
  const credentials = credentialsOf(token)
  const context = createContext(enforcer, 'req', credentials)
  const facts = factsOf(route, side, credentials.projectId ?? '')
  const passes = (rule: Rule) => evaluate.call(enforcer, rule, facts, context)
  const door = gate(route)
  const isFound = door === null || passes(policies.find((rule) => rule.name === door)!)
  const mayPass = isFound && (needsAll ? rules.every(passes) : rules.some(passes))
  const isRefused = status === 403 || status === 404
  if (!isRefused && !mayPass) return `is let in (${status}), the rules say no`
  if (isRefused && mayPass) return `is refused (${status}), the rules say yes`
  if (isRefused && !isFound && status !== 404) return `tells by ${status} that there is something`
  if (isChange && status < 300) return `answers ${status} without asking its policy`
  return undefined
}

/** Members exist of shared images only; what is said of the others is no question of rules. */
const applies = (route: Route<never>, side: Side) => !route.path.includes('/members') || side.visibility === 'shared'

test('every route answers each persona about images and namespaces of every visibility as its rules say', async (context) => {
  const found = new Set<string>()
  let count = 0
  for (const route of routes as readonly Route<never>[]) {
    if (route.policy === null || (route.auth ?? 'required') !== 'required') continue
    const isPlain = !/:(id|namespace)/.test(route.path)
    for (const token of callers) {
      for (const side of isPlain ? sides.slice(0, 1) : sides.filter((each) => applies(route, each))) {
        const problem = await look(route, token, side)
        if (problem !== undefined) found.add(`${route.method} ${route.path} | ${side.name} | ${token} ${problem}`)
        count++
      }
    }
  }
  assert.ok(found.size === 0, `mend these:\n${[...found].join('\n')}`)
  context.diagnostic(`${count} requests`)
})
