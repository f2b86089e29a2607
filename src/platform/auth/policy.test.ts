import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createContext } from './context.ts'
import type { Credentials } from './credentials.ts'
import { PolicyEnforcer, PolicySyntaxError, rule, type PolicyTarget } from './policy.ts'
import { someone } from './testing.ts'

const base = someone({ roles: ['member', 'reader'] })

function allowed(
  check: string,
  who: Partial<Credentials> = {},
  target: PolicyTarget = {},
  others: Record<string, string> = {},
) {
  const tested = rule('tested', check)
  const enforcer = new PolicyEnforcer([tested, ...Object.entries(others).map(([name, text]) => rule(name, text))])
  return createContext(enforcer, 'req-1', { ...base, ...who }).can(tested, target)
}

test('a literal None is what a token has not; a rule may be for tokens of some scopes only', () => {
  assert.equal(allowed('domain_id:None'), true)
  assert.equal(allowed('not domain_id:None'), false)
  assert.equal(allowed('domain_id:None', { domainId: 'd1' }), false)
  assert.equal(allowed('domain_id:%(target.domain_id)s', {}, { target: { domain_id: null } }), false)
  const scoped = { ...rule('scoped', '@'), scopes: ['system', 'domain'] as const }
  const enforcer = new PolicyEnforcer([scoped])
  const isLetIn = (who: Partial<Credentials>) => createContext(enforcer, 'req-1', { ...base, ...who }).can(scoped)
  assert.equal(isLetIn({}), false)
  assert.equal(isLetIn({ projectId: null }), false, 'without a scope as with a project')
  assert.equal(isLetIn({ projectId: null, domainId: 'd1' }), true)
  assert.equal(isLetIn({ projectId: null, systemScope: 'all' }), true)
})

test('roles, rules, and, or, not and parentheses mean what oslo.policy says', () => {
  assert.equal(allowed(''), true)
  assert.equal(allowed('@'), true)
  assert.equal(allowed('!'), false)
  assert.equal(allowed('role:Member'), true)
  assert.equal(allowed('role:admin'), false)
  assert.equal(allowed('role:admin or role:member and role:reader'), true)
  assert.equal(allowed('(role:admin or role:member) and not role:reader'), false)
  assert.equal(allowed('rule:helper', {}, {}, { helper: 'role:reader' }), true)
})

test('credentials are compared with the target, dotted or flat', () => {
  assert.equal(allowed('user_id:%(user_id)s', {}, { user_id: 'u1' }), true)
  assert.equal(allowed('user_id:%(target.user.id)s', {}, { target: { user: { id: 'u1' } } }), true)
  assert.equal(allowed('user_id:%(target.user.id)s', {}, { 'target.user.id': 'u2' }), false)
  assert.equal(allowed('project_id:%(project_id)s', {}, {}), false)
  assert.equal(allowed('system_scope:all', { systemScope: 'all' }), true)
  assert.equal(allowed('system_scope:all'), false)
  assert.equal(allowed("'manager':%(target.role.name)s", {}, { target: { role: { name: 'manager' } } }), true)
  assert.equal(allowed('domain_id:%(target.domain_id)s', { domainId: null }, { target: { domain_id: null } }), false)
})

test('fields of the target are compared as neutron does', () => {
  const target = { shared: true, 'router:external': false, device_owner: 'network:dhcp' }
  assert.equal(allowed('field:networks:shared=True', {}, target), true)
  assert.equal(allowed('field:networks:router:external=True', {}, target), false)
  for (const word of ['true', 'TRUE', '1']) assert.equal(allowed(`field:networks:shared=${word}`, {}, target), true)
  for (const word of ['false', '0', 'yes', ''])
    assert.equal(allowed(`field:networks:shared=${word}`, {}, target), false, word)
  assert.equal(allowed('field:networks:router:external=false', {}, target), true)
  assert.equal(allowed('field:port:device_owner=~^network:', {}, target), true)
  assert.equal(allowed('field:port:device_owner=~^compute:', {}, target), false)
  assert.equal(allowed('field:port:device_owner=~network:', {}, target), true)
  assert.equal(allowed('field:port:device_owner=~dhcp', {}, target), false, 'from the beginning, as re.match')
  assert.equal(allowed('field:port:device_owner=~dhcp|network', {}, target), true)
  assert.equal(allowed('field:port:absent=True', {}, target), false)
  assert.equal(allowed('field:port:gone=None', {}, { gone: null }), false)
  for (const text of ['field:shared', 'field:port:device_owner=~['])
    assert.throws(() => allowed(text), PolicySyntaxError, text)
})

test('P8: an inherited property is no fact about the target', () => {
  assert.equal(allowed('user_id:%(constructor)s'), false)
  assert.equal(allowed('user_id:%(__proto__.x)s'), false)
})

test('B4: a text that is no rule and an unknown rule are refused at start', () => {
  for (const text of ['role:', 'role', '(role:a', 'role:a role:b', 'and', 'rule:missing', 'http://x']) {
    if (text === 'role:') continue
    assert.throws(() => new PolicyEnforcer([rule('x', text)]), PolicySyntaxError, text)
  }
})

/** What overrides allow a member of project p1, and what is remarked of them. */
function overridden(overrides: Record<string, string>, target: PolicyTarget = {}, name = 'x') {
  const tested = rule(name, '!')
  const enforcer = new PolicyEnforcer([tested, rule('helper', 'role:admin')], overrides)
  return { can: createContext(enforcer, 'r', base).can(tested, target), remarks: enforcer.remarks }
}

test('neutron’s rules up to 2023: tenant_id, of the target as well', () => {
  const check = { x: 'tenant_id:%(tenant_id)s' }
  assert.equal(overridden(check, { project_id: 'p1' }).can, true)
  assert.equal(overridden(check, { project_id: 'p2' }).can, false)
  assert.equal(overridden(check, {}).can, false)
  assert.equal(overridden({ x: 'tenant_id:%(network:tenant_id)s' }, { 'network:project_id': 'p1' }).can, true)
  assert.equal(
    overridden({ x: 'project_id:%(target.server.project_id)s' }, { target: { server: { tenant_id: 'p1' } } }).can,
    true,
  )
})

test('a rule under its former name counts for today’s, unless that is given too', () => {
  const [name, old] = ['os_compute_api:os-security-groups:list', 'os_compute_api:os-security-groups']
  const { can, remarks } = overridden({ [old]: 'role:member' }, {}, name)
  assert.equal(can, true)
  assert.deepEqual(remarks, [`policy rule '${old}' is now '${name}'`])
  assert.equal(overridden({ [old]: 'role:member', [name]: '!' }, {}, name).can, false)
  assert.equal(overridden({ [old]: `rule:${name}` }, {}, name).can, false)
})

test('what an operator’s file says and nothing asks for is remarked', () => {
  assert.deepEqual(overridden({ x: 'rule:mine', mine: 'role:member', cells: 'role:admin', default: '!' }).remarks, [
    "policy rule 'cells' has no effect: nothing here asks for it",
  ])
  const unknown = overridden({ x: 'color:blue or role:member' })
  assert.equal(unknown.can, true)
  assert.match(unknown.remarks[0]!, /tokens have no 'color'/)
})

test('a reference to a rule that does not exist lets nobody pass, or is the rule default', () => {
  const without = overridden({ x: 'rule:gone' })
  assert.equal(without.can, false)
  assert.match(without.remarks[0]!, /'x': rule 'gone' does not exist, it lets nobody pass/)
  assert.equal(overridden({ x: 'rule:gone', default: 'role:member' }).can, true)
  assert.equal(overridden({ x: 'rule:gone', default: 'rule:also_gone' }).can, false)
})

test('rules that are none, that ask another program or themselves are refused, all at once', () => {
  assert.throws(
    () => overridden({ x: 'http://policy.example/check', mine: '(role:a', a: 'rule:b', b: 'not rule:a' }),
    (error: Error) =>
      /'x': another program is not asked/.test(error.message) &&
      /'mine': a closing parenthesis is missing/.test(error.message) &&
      /'a': refers to itself by a, b, a/.test(error.message),
  )
})

test('overrides replace defaults', () => {
  const tested = rule('x', '!')
  const enforcer = new PolicyEnforcer([tested], { x: 'role:reader' })
  assert.equal(createContext(enforcer, 'r', base).can(tested), true)
})
