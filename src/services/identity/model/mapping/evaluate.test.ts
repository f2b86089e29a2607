import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { evaluateMapping } from './evaluate.ts'
import { MappingError, type LocalRule, type Mapped, type RemoteRule, type Rule, type SchemaVersion } from './types.ts'

const assertion = {
  UserName: 'bob',
  FirstName: 'Bob',
  LastName: 'Thompson',
  Email: 'bob@example.com',
  Groups: 'devs;testers;admins',
  orgPersonType: 'Employee;Contractor',
  Empty: '',
}
type Attributes = Record<string, string>

const run = (rules: readonly Rule[], version: SchemaVersion = '1.0', attributes: Attributes = assertion): Mapped =>
  evaluateMapping({ id: 'm', rules, schemaVersion: version }, attributes)
const one = (local: LocalRule, ...remote: RemoteRule[]) => run([{ local: [local], remote }])
const name: RemoteRule = { type: 'UserName' }
const domain = { id: 'd1' }

describe('conditions decide whether a rule applies', () => {
  const cases: [title: string, remote: RemoteRule, applies: boolean][] = [
    ['the attribute is there', { type: 'Email' }, true],
    ['the attribute is there and empty', { type: 'Empty' }, true],
    ['the attribute is missing', { type: 'Nothing' }, false],
    ['any_one_of has a value', { type: 'orgPersonType', any_one_of: ['Admin', 'Contractor'] }, true],
    ['any_one_of has none', { type: 'orgPersonType', any_one_of: ['Admin'] }, false],
    ['any_one_of compares whole values', { type: 'orgPersonType', any_one_of: ['Employ'] }, false],
    ['any_one_of is case sensitive', { type: 'orgPersonType', any_one_of: ['employee'] }, false],
    ['any_one_of by regex', { type: 'Email', any_one_of: ['.*@example\\.com$'], regex: true }, true],
    ['any_one_of by regex finds inside', { type: 'Email', any_one_of: ['@example'], regex: true }, true],
    ['any_one_of by regex without a match', { type: 'Email', any_one_of: ['@yeah.com$'], regex: true }, false],
    ['any_one_of by Python flags', { type: 'Email', any_one_of: ['(?i)@EXAMPLE\\.com\\Z'], regex: true }, true],
    ['any_one_of with a named group', { type: 'Email', any_one_of: ['(?P<x>b)o(?P=x)'], regex: true }, true],
    ['not_any_of without a value', { type: 'orgPersonType', not_any_of: ['Admin'] }, true],
    ['not_any_of with a value', { type: 'orgPersonType', not_any_of: ['Employee'] }, false],
    ['not_any_of by regex', { type: 'Email', not_any_of: ['example'], regex: true }, false],
    ['not_any_of of a missing attribute', { type: 'Nothing', not_any_of: ['x'] }, false],
    ['a whitelist that leaves nothing still applies', { type: 'Groups', whitelist: ['none'] }, true],
    ['a blacklist that leaves nothing still applies', { type: 'UserName', blacklist: ['bob'] }, true],
  ]
  for (const [title, remote, applies] of cases) {
    test(title, () => {
      const rules = [{ local: [{ user: { name: '{0}' } }], remote: [name, remote] }]
      if (applies) assert.equal(run(rules).user.name, 'bob')
      else assert.throws(() => run(rules), MappingError)
    })
  }

  test('every condition must be met', () => {
    const rules = [{ local: [{ user: { name: 'x' } }], remote: [name, { type: 'Nothing' }] }]
    assert.throws(() => run(rules), /Could not map any federated user properties/)
  })

  test('A17: an assertion that meets no rule is nobody', () => {
    assert.throws(() => run([], '1.0'), MappingError)
    assert.throws(() => run([{ local: [{ user: { name: 'x' } }], remote: [name] }], '1.0', {}), MappingError)
  })
})

describe('values go where the rule says', () => {
  const cases: [title: string, text: string, remote: RemoteRule[], expected: string][] = [
    ['one', '{0}', [name], 'bob'],
    ['two', '{0} {1}', [{ type: 'FirstName' }, { type: 'LastName' }], 'Bob Thompson'],
    ['the same twice', '{0}-{0}', [name], 'bob-bob'],
    ['counted', '{} {}', [{ type: 'FirstName' }, { type: 'LastName' }], 'Bob Thompson'],
    ['braces', '{{{0}}}', [name], '{bob}'],
    ['deciding conditions take no number', '{0}', [{ type: 'Email', any_one_of: ['bob@example.com'] }, name], 'bob'],
    ['several values as a list', '{0}', [{ type: 'Groups' }], "['devs', 'testers', 'admins']"],
    ['a filtered list of one', '{0}', [{ type: 'Groups', whitelist: ['devs'] }], 'devs'],
    ['a filtered list', '{0}', [{ type: 'Groups', blacklist: ['devs'] }], "['testers', 'admins']"],
    ['a list filtered by regex', '{0}', [{ type: 'Groups', whitelist: ['e.*s$'], regex: true }], "['devs', 'testers']"],
  ]
  for (const [title, text, remote, expected] of cases) {
    test(title, () => assert.equal(one({ user: { name: text } }, ...remote).user.name, expected))
  }

  for (const text of ['{1}', '{9}', '{0', '0}', '{a}', '{0.__class__}', '{0[0]}', '{-1}']) {
    test(`'${text}' is refused`, () => assert.throws(() => one({ user: { name: text } }, name), MappingError))
  }

  test('values are not looked at for braces', () => {
    const rules = [{ local: [{ user: { name: '{0}' } }], remote: [name] }]
    assert.equal(run(rules, '1.0', { UserName: '{0} {1}' }).user.name, '{0} {1}')
  })
})

describe('users', () => {
  test('are ephemeral unless the rule says local', () => {
    assert.equal(one({ user: { name: '{0}' } }, name).user.type, 'ephemeral')
    assert.equal(one({ user: { name: '{0}', type: 'local', domain } }, name).user.type, 'local')
  })

  test('of another type are refused', () => {
    assert.throws(() => one({ user: { name: '{0}', type: 'root' } }, name), /User type root not supported/)
    const asserted = [{ local: [{ user: { name: 'x', type: '{0}' } }], remote: [{ type: 'UserName' }] }]
    assert.throws(() => run(asserted, '1.0', { UserName: 'local ' }), MappingError)
  })

  test('the first rule that applies names the user', () => {
    const rule = (userName: string, remote: RemoteRule): Rule => ({
      local: [{ user: { name: userName } }],
      remote: [remote],
    })
    const mapped = run([rule('a', { type: 'Nothing' }), rule('b', name), rule('c', name)])
    assert.equal(mapped.user.name, 'b')
  })

  test('id, mail and domain are kept', () => {
    const { user } = one({ user: { id: '{0}', name: 'n', email: '{1}', domain } }, name, { type: 'Email' })
    assert.deepEqual(user, { id: 'bob', name: 'n', email: 'bob@example.com', domain, type: 'ephemeral' })
  })

  test('nobody is named: the groups stand, the user has no name', () => {
    assert.deepEqual(one({ group: { id: 'g1' } }, name).user, { type: 'ephemeral' })
  })
})

describe('groups', () => {
  test('by id, once each, from every rule that applies', () => {
    const rules: Rule[] = [
      { local: [{ group: { id: 'g1' } }, { group: { id: 'g2' } }], remote: [name] },
      { local: [{ group: { id: 'g1' } }], remote: [{ type: 'Email' }] },
      { local: [{ group: { id: 'g9' } }], remote: [{ type: 'Nothing' }] },
    ]
    assert.deepEqual(run(rules).groupIds, ['g1', 'g2'])
  })

  test('by name and domain', () => {
    const mapped = one({ group: { name: '{0}', domain: { name: 'Default' } } }, name)
    assert.deepEqual(mapped.groupNames, [{ name: 'bob', domain: { name: 'Default' } }])
  })

  test('of the same name in two domains are two', () => {
    const rules: Rule[] = [
      { local: [{ group: { name: 'g', domain: { id: 'a' } } }], remote: [name] },
      { local: [{ group: { name: 'g', domain: { id: 'b' } } }], remote: [name] },
      { local: [{ group: { name: 'g', domain: { id: 'b' } } }], remote: [name] },
    ]
    assert.equal(run(rules).groupNames.length, 2)
  })

  test('all of an attribute, with the domain beside it', () => {
    const mapped = one({ groups: '{0}', domain }, { type: 'Groups', blacklist: ['admins'] })
    assert.deepEqual(mapped.groupNames, [
      { name: 'devs', domain },
      { name: 'testers', domain },
    ])
  })

  test('a single value is a single group, also when it is a number', () => {
    const rules = [{ local: [{ groups: '{0}', domain }], remote: [{ type: 'Groups' }] }]
    assert.deepEqual(run(rules, '1.0', { Groups: '1234' }).groupNames, [{ name: '1234', domain }])
  })

  test('without a domain are refused', () => {
    assert.throws(() => one({ groups: '{0}' }, { type: 'Groups' }), /'groups' and 'domain'/)
    assert.throws(() => one({ groups: '{0}' }, { type: 'Groups', whitelist: ['x'] }), /'groups' and 'domain'/)
  })

  test('as another keystone asserts them', () => {
    const rules = [{ local: [{ groups: '{0}' }], remote: [{ type: 'openstack_groups' }] }]
    const groups = ['JSON:{"name":"g1","domain":{"name":"D\'1"}}', 'JSON:{"name":"g2","domain":{"id":"d2"}}'].join(';')
    assert.deepEqual(run(rules, '1.0', { openstack_groups: groups }).groupNames, [
      { name: 'g1', domain: { name: "D'1" } },
      { name: 'g2', domain: { id: 'd2' } },
    ])
    for (const bad of ['JSON:{', 'JSON:null', 'JSON:{"name":"x"}', 'JSON:{"name":1,"domain":{"id":"x"}}']) {
      assert.throws(() => run(rules, '1.0', { openstack_groups: bad }), MappingError, bad)
    }
  })

  test('group_ids is one id or a list', () => {
    assert.deepEqual(one({ group_ids: '{0}' }, { type: 'Groups' }).groupIds, ['devs', 'testers', 'admins'])
    assert.deepEqual(one({ group_ids: '{0}' }, name).groupIds, ['bob'])
    assert.deepEqual(one({ group_ids: '{0}' }, { type: 'Groups', whitelist: ['none'] }).groupIds, [])
  })

  test('hostile names pass through a list unchanged', () => {
    const names = ["o'hara", 'say "hi"', `both ' and "`, 'back\\slash', "'], ['x", 'tab\tend', 'ünï', '[]', '\u0001']
    const rules = [{ local: [{ groups: '{0}', domain }], remote: [{ type: 'Groups' }] }]
    const mapped = run(rules, '1.0', { Groups: names.join(';') })
    assert.deepEqual(
      mapped.groupNames.map((group) => group.name),
      names,
    )
  })
})

describe('projects and domains by version', () => {
  const project = { name: 'Dev for {0}', roles: [{ name: 'member' }] }

  test('projects are filled; the last rule that has some counts', () => {
    const rules: Rule[] = [
      { local: [{ projects: [{ name: 'first', roles: [] }] }], remote: [name] },
      { local: [{ projects: [project] }], remote: [name] },
    ]
    assert.deepEqual(run(rules).projects, [{ name: 'Dev for bob', roles: [{ name: 'member' }] }])
  })

  test('the domain of a rule is no default in 1.0', () => {
    const mapped = run([{ local: [{ user: { name: '{0}' }, projects: [project], domain }], remote: [name] }])
    assert.equal(mapped.user.domain, undefined)
    assert.equal(mapped.projects[0]?.domain, undefined)
  })

  test('the domain of a rule is the default in 2.0, unless one is named', () => {
    const named = { ...project, name: 'other', domain: { id: 'd2' } }
    const local = { user: { name: '{0}' }, projects: [project, named], domain }
    const mapped = run([{ local: [local], remote: [name] }], '2.0')
    assert.deepEqual(mapped.user.domain, domain)
    assert.deepEqual(
      mapped.projects.map((each) => each.domain),
      [domain, { id: 'd2' }],
    )
    const own = run([{ local: [{ ...local, user: { name: 'x', domain: { name: 'n' } } }], remote: [name] }], '2.0')
    assert.deepEqual(own.user.domain, { name: 'n' })
  })

  test('projects come as JSON since 3.0', () => {
    const json = JSON.stringify([{ name: 'p;q', roles: [{ name: 'reader' }] }])
    const rules = [{ local: [{ user: { name: 'x' }, projects_json: '{0}', domain }], remote: [{ type: 'P' }] }]
    assert.deepEqual(run(rules, '3.0', { P: json }).projects, [{ name: 'p;q', roles: [{ name: 'reader' }], domain }])
    assert.throws(() => run(rules, '2.0', { P: json }), MappingError)
    const bad = [
      '',
      '{}',
      'null',
      '[1]',
      '[{"name":1,"roles":[]}]',
      '[{"name":"x"}]',
      '[{"name":"x","roles":[{"id":"1"}]}]',
    ]
    for (const text of bad) assert.throws(() => run(rules, '3.0', { P: text }), MappingError, text)
  })
})

describe('P6: patterns cannot hold the process', () => {
  for (const pattern of ['(a+)+$', '(a*)*b', '([a-z]+)*!', '((x+)y?)+', '(?:a+){2,}', '(', 'a'.repeat(2000)]) {
    test(`'${pattern.slice(0, 20)}' is refused`, () => {
      assert.throws(
        () => one({ user: { name: 'x' } }, { type: 'Email', any_one_of: [pattern], regex: true }),
        MappingError,
      )
    })
  }

  for (const pattern of ['^(a|b)+$', '[(+)+]+', '\\(a+\\)+', '(abc){2}', '^a+b*c?$']) {
    test(`'${pattern}' is taken`, () => {
      const remote = { type: 'Email', not_any_of: [pattern], regex: true }
      assert.equal(one({ user: { name: 'x' } }, remote).user.name, 'x')
    })
  }
})
