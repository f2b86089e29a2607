/**
 * Every route of placement x every persona, on a real service: who is let in is what upstream's rules say of roles and
 * scopes, with the old defaults and with the new ones. Requests that would change something stop where their policy passes.
 */
import { HttpError } from '../../src/platform/http/errors.ts'
import assert from 'node:assert/strict'
import { after, before, mock, test } from 'node:test'
import { PolicyEnforcer } from '../../src/platform/auth/policy.ts'
import type { Rule } from '../../src/platform/auth/policy.ts'
import { policies } from '../../src/services/placement/policies.ts'
import { routes } from '../../src/services/placement/api/routes.ts'
import { startPlacement, type TestPlacement } from '../../src/services/placement/testing/placement.ts'

const teapot = 418
class PolicyPassed extends HttpError {
  constructor() {
    super(teapot, 'the policy passed')
  }
}

/** Name to token: `user:project;roles;scope`. */
const personas = {
  'project admin': 'admin:ours;admin',
  service: 'nova:service;service',
  'project manager': 'boss:ours;manager,member,reader',
  'project member': 'alice:ours;member,reader',
  'project reader': 'bob:ours;reader',
  'foreign project reader': 'eve:theirs;reader',
  'system admin': 'root;admin,member,reader;system',
  'system reader': 'auditor;reader;system',
  'domain admin': 'dora;admin,member,reader;domain',
  'without a role': 'nobody:ours;none',
} as const
type Persona = keyof typeof personas

/** Who passes, by the check string of a rule. The usages are those of the project `ours`. */
const allowed: Readonly<Record<string, readonly Persona[]>> = {
  'rule:admin_or_service_api': ['project admin', 'service'],
  'rule:service_api': ['service'],
  'rule:admin_or_project_reader_or_service_api': [
    'project admin',
    'service',
    'project manager',
    'project member',
    'project reader',
  ],
}

const evaluate = PolicyEnforcer.prototype.check
let isDryRun = false

before(() => {
  mock.method(
    PolicyEnforcer.prototype,
    'check',
    function check(this: PolicyEnforcer, ...args: Parameters<typeof evaluate>) {
      const passes = evaluate.apply(this, args)
      if (passes && isDryRun) throw new PolicyPassed()
      return passes
    },
  )
})

after(() => mock.restoreAll())

type Asked = (typeof routes)[number]
const ruleOf = (route: Asked): Rule => [route.policy].flat()[0] as Rule
const addressOf = (route: Asked) =>
  route.path.replaceAll(/:\w+/g, '00000000-0000-4000-8000-000000000000') +
  (route.path === '/usages' ? '?project_id=ours' : '')

/** The newest version that has the route. */
const versionOf = (route: Asked) => (route.until === 'put-class' ? '1.6' : '1.39')

async function ask(placement: TestPlacement, route: Asked, token: string, more: Record<string, string> = {}) {
  isDryRun = true
  const options = { token, version: versionOf(route), headers: more }
  const { status } = await placement.call(route.method, addressOf(route), bodyOf(route), options)
  isDryRun = false
  return status
}

const bodyOf = (route: Asked) => (route.body ? {} : undefined)
const label = (route: Asked) => `${route.method} ${route.path}`

for (const isNew of [false, true]) {
  test(`every route lets in whom its rule names, with the ${isNew ? 'new' : 'old'} defaults`, async (t) => {
    const placement = await startPlacement({ config: `[oslo_policy]\nenforce_new_defaults = ${isNew}\n` })
    t.after(() => placement.stop())
    const wrong: string[] = []
    for (const route of routes) {
      const { check } = ruleOf(route)
      const who = new Set(allowed[check])
      if (!isNew && check === 'rule:service_api') who.add('project admin')
      assert.ok(who.size > 0, `${label(route)} has an unknown rule: ${check}`)
      for (const [name, token] of Object.entries(personas)) {
        const status = await ask(placement, route, token)
        const expected = who.has(name as Persona) ? teapot : 403
        if (status !== expected) wrong.push(`${label(route)} answers ${name} ${status}, not ${expected}`)
      }
      const status = await ask(placement, route, '')
      if (status !== 401) wrong.push(`${label(route)} answers ${status} without a token`)
    }
    assert.deepEqual(wrong, [])
  })
}

test('B4: each rule set to ! closes its routes and no others', async () => {
  const helpers = policies.filter((rule) => rule.operations.length === 0).map((rule) => rule.name)
  for (const { name } of policies.filter((rule) => !helpers.includes(rule.name))) {
    const placement = await startPlacement({ policies: { [name]: '!' } })
    try {
      const closed: string[] = []
      for (const route of routes) if ((await ask(placement, route, 'admin')) === 403) closed.push(label(route))
      const expected = routes.filter((route) => ruleOf(route).name === name).map(label)
      assert.deepEqual(closed, expected, name)
      assert.ok(expected.length > 0, `${name} protects no route`)
    } finally {
      await placement.stop()
    }
  }
})

test('A10, B1: neither headers nor queries say who asks or about what', async (t) => {
  const owners = 'role:reader and project_id:%(project_id)s'
  const placement = await startPlacement({ policies: { 'placement:allocations:list': owners } })
  t.after(() => placement.stop())
  const forged = {
    'x-roles': 'admin,service',
    'x-role': 'admin',
    'x-user-id': 'admin',
    'x-project-id': 'ours',
    'x-is-admin-project': 'True',
    'x-service-roles': 'service',
    'x-identity-status': 'Confirmed',
    'x-service-identity-status': 'Confirmed',
    'openstack-system-scope': 'all',
  }
  for (const route of routes) {
    assert.equal(await ask(placement, route, '', forged), 401, label(route))
    if (route.path === '/usages' || ruleOf(route).name === 'placement:allocations:list') continue
    assert.equal(await ask(placement, route, personas['project reader'], forged), 403, label(route))
  }
  const foreign = personas['foreign project reader']
  const refused = ['project_id=ours', 'project_id=theirs&project_id=ours', 'project_id=ours&is_admin=True']
  for (const query of refused) {
    const { status } = await placement.call('GET', `/usages?${query}`, undefined, { token: foreign })
    assert.equal(status, 403, query)
  }
  // What is asked about is the caller's own project unless the operation itself is about another.
  const consumer = '/allocations/00000000-0000-4000-8000-000000000000?project_id=ours'
  const own = await placement.call('GET', consumer, undefined, { token: foreign })
  assert.equal(own.status, 200)
})

test('the operator may let tokens of the system and of domains in', async (t) => {
  const placement = await startPlacement({ config: '[oslo_policy]\nenforce_scope = false\n' })
  t.after(() => placement.stop())
  for (const name of ['system admin', 'domain admin'] as const) {
    const { status } = await placement.call('GET', '/resource_providers', undefined, { token: personas[name] })
    assert.equal(status, 200, name)
  }
})
