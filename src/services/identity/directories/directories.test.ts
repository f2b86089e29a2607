import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { authenticate } from '../auth/authenticate.ts'
import { createDomainConfig } from '../operations/domain-config.ts'
import { uploadDomainConfigs } from '../operations/domain-config-upload.ts'
import { populateMappings, purgeMappings } from '../operations/id-mappings.ts'
import { listRows } from '../store/rows.ts'
import { configText, ldapOptionsOf, startWithDirectory } from '../testing/directory.ts'
import { startIdentity, type Answer, type TestIdentity } from '../testing/identity.ts'
import { openTestDeps } from '../testing/open-deps.ts'
import { group, noSlapd, person, startDirectory, suffix, type TestDirectory } from '../testing/slapd.ts'

interface User {
  id: string
  name: string
  enabled: boolean
  domain_id: string
}
const messageOf = (answer: Answer) => (answer.body as { error: { message: string } }).error.message
const members = <T>(answer: Answer, plural: string) => answer.body[plural] as T[]

const byPassword = (domainId: string, name: string, password = `pw-${name}`) => ({
  methods: ['password'],
  password: { user: { name, domain: { id: domainId }, password } },
})

describe('a domain with a directory', { skip: noSlapd }, () => {
  let directory: TestDirectory

  before(async () => {
    directory = await startDirectory(
      [
        person('alice', { mail: 'alice@example.org', userPassword: 'pw-alice', enabled: 'TRUE' }),
        person('bob', { userPassword: 'pw-bob' }),
        person('off', { userPassword: 'pw-off', enabled: 'FALSE' }),
        person('zero', { userPassword: 'pw-zero', enabled: '0' }),
        person('no', { userPassword: 'pw-no', enabled: 'no' }),
        person('void', { userPassword: 'pw-void', enabled: 'nonsense' }),
        group('devs', ['alice', 'bob'], 'Developers'),
        group('ops', ['alice']),
      ].join(''),
    )
  })
  after(() => directory.close())

  const login = (identity: TestIdentity, domainId: string, name: string, password?: string, scope?: object) =>
    identity.authenticate(byPassword(domainId, name, password), scope)

  /** Alice by name; a project that her group `devs` is member of. */
  async function withProject(identity: TestIdentity, domainId: string) {
    const [alice] = await identity.make<User[]>('GET', `/users?domain_id=${domainId}&name=alice`)
    const [devs] = await identity.make<User[]>('GET', `/groups?domain_id=${domainId}&name=devs`)
    const project = await identity.make('POST', '/projects', { project: { name: 'p', domain_id: domainId } })
    await identity.grant('member', `/projects/${project.id}/groups/${devs!.id}`)
    return { alice: alice!, devs: devs!, scope: { project: { id: project.id } } }
  }

  test('lists, shows and logs in its users; ids are those that keystone gives', async (t) => {
    const { identity, domainId } = await startWithDirectory(t, directory)
    const listed = await identity.make<User[]>('GET', `/users?domain_id=${domainId}`)
    assert.deepEqual(listed.map((user) => user.name).sort(), ['alice', 'bob', 'no', 'off', 'void', 'zero'])
    const alice = listed.find((user) => user.name === 'alice')!
    assert.equal(alice.id, createHash('sha256').update(`${domainId}useralice`).digest('hex'))
    assert.equal(alice.domain_id, domainId)
    const shown = await identity.make<Record<string, unknown>>('GET', `/users/${alice.id}`)
    assert.equal(shown['email'], 'alice@example.org')
    assert.equal(shown['enabled'], true)
    const answer = await login(identity, domainId, 'alice')
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    assert.equal((answer.body['token'] as { user: User }).user.id, alice.id)
    const byId = { methods: ['password'], password: { user: { id: alice.id, password: 'pw-alice' } } }
    assert.equal((await identity.authenticate(byId)).status, 201)
    const local = await identity.make<User[]>('GET', '/users')
    assert.ok(
      local.every((user) => user.domain_id === 'default'),
      'a listing is of one domain',
    )
  })

  test('many logins at the same time, of users who were never seen', async (t) => {
    const { identity, domainId } = await startWithDirectory(t, directory)
    const names = ['alice', 'bob', 'alice', 'bob', 'alice', 'nobody']
    const answers = await Promise.all(names.map((name) => login(identity, domainId, name)))
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [201, 201, 201, 201, 201, 401],
    )
  })

  test('A8: whatever the directory writes for enabled, only what says yes does', async (t) => {
    const { identity, domainId } = await startWithDirectory(t, directory)
    const listed = await identity.make<User[]>('GET', `/users?domain_id=${domainId}`)
    const enabled = listed.filter((user) => user.enabled).map((user) => user.name)
    assert.deepEqual(enabled.sort(), ['alice', 'bob'])
    for (const name of ['off', 'zero', 'no', 'void'])
      assert.equal((await login(identity, domainId, name)).status, 401, name)
  })

  test('A9: unknown, wrong and disabled get the same answer; an empty password is no anonymous login', async (t) => {
    const { identity, domainId } = await startWithDirectory(t, directory)
    const answers = [
      await login(identity, domainId, 'nobody'),
      await login(identity, domainId, 'alice', 'wrong'),
      await login(identity, domainId, 'off'),
      await login(identity, domainId, 'alice', ''),
      await login(identity, domainId, '*'),
      await login(identity, domainId, 'alice)(uid=*', 'pw-alice'),
    ]
    for (const answer of answers) {
      assert.equal(answer.status, 401)
      assert.deepEqual(answer.body, answers[0]!.body)
    }
  })

  test('groups of the directory give roles, and are listed with their members', async (t) => {
    const { identity, domainId } = await startWithDirectory(t, directory)
    const { alice, devs, scope } = await withProject(identity, domainId)
    const answer = await login(identity, domainId, 'alice', undefined, scope)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    assert.equal((await login(identity, domainId, 'bob', undefined, scope)).status, 201)
    const inGroup = await identity.request('GET', `/groups/${devs.id}/users`)
    assert.deepEqual(
      members<User>(inGroup, 'users')
        .map((user) => user.name)
        .sort(),
      ['alice', 'bob'],
    )
    const ofUser = await identity.request('GET', `/users/${alice.id}/groups`)
    assert.deepEqual(
      members<User>(ofUser, 'groups')
        .map((each) => each.name)
        .sort(),
      ['devs', 'ops'],
    )
    assert.equal((await identity.request('HEAD', `/groups/${devs.id}/users/${alice.id}`)).status, 204)
    const shown = await identity.make<Record<string, unknown>>('GET', `/groups/${devs.id}`)
    assert.equal(shown['description'], 'Developers')
  })

  test('what lives in the directory is changed there: 403', async (t) => {
    const { identity, domainId } = await startWithDirectory(t, directory)
    const { alice, devs } = await withProject(identity, domainId)
    const [admin] = await identity.make<User[]>('GET', '/users?name=admin')
    const local = await identity.make('POST', '/groups', { group: { name: 'local' } })
    const requests: [string, string, object?][] = [
      ['POST', '/users', { user: { name: 'new', domain_id: domainId } }],
      ['PATCH', `/users/${alice.id}`, { user: { enabled: false } }],
      ['DELETE', `/users/${alice.id}`],
      ['POST', '/groups', { group: { name: 'new', domain_id: domainId } }],
      ['PATCH', `/groups/${devs.id}`, { group: { name: 'other' } }],
      ['DELETE', `/groups/${devs.id}`],
      ['PUT', `/groups/${devs.id}/users/${alice.id}`],
      ['DELETE', `/groups/${devs.id}/users/${alice.id}`],
      ['PUT', `/groups/${devs.id}/users/${admin!.id}`],
      ['PUT', `/groups/${local.id}/users/${alice.id}`],
    ]
    for (const [method, path, body] of requests) {
      const answer = await identity.request(method, path, body ? { body } : {})
      assert.equal(answer.status, 403, `${method} ${path}: ${JSON.stringify(answer.body)}`)
      assert.match(messageOf(answer), /LDAP does not support write operations|across backend boundaries/)
    }
    const password = { user: { original_password: 'pw-alice', password: 'other' } }
    const change = (body: object) => identity.request('POST', `/users/${alice.id}/password`, { token: '', body })
    assert.equal((await change(password)).status, 403)
    assert.equal((await change({ user: { ...password.user, original_password: 'x' } })).status, 401)
    assert.equal((await login(identity, domainId, 'alice')).status, 201)
  })

  test('a directory that is down: 503, nothing half done, and all is well when it is back', async (t) => {
    const { identity, domainId } = await startWithDirectory(t, directory)
    const { alice, scope } = await withProject(identity, domainId)
    const before = (await login(identity, domainId, 'alice', undefined, scope)).headers['X-Subject-Token']!
    await directory.stop()
    try {
      for (const path of [`/users?domain_id=${domainId}`, `/users/${alice.id}`, `/groups?domain_id=${domainId}`]) {
        const answer = await identity.request('GET', path)
        assert.equal(answer.status, 503, path)
        assert.match(messageOf(answer), new RegExp(`directory of domain ${domainId} does not answer`))
        assert.doesNotMatch(messageOf(answer), /127\.0\.0\.1/, 'A16: no address in the answer')
      }
      assert.equal((await login(identity, domainId, 'alice')).status, 503)
      assert.equal(
        (await identity.request('GET', '/auth/projects', { token: before })).status,
        200,
        'known for a while',
      )
      const local = await identity.request('GET', '/users')
      assert.equal(local.status, 200, 'other domains are not concerned')
    } finally {
      await directory.start()
    }
    await until(async () => (await login(identity, domainId, 'alice', undefined, scope)).status === 201)
    const listed = await identity.make<User[]>('GET', `/users?domain_id=${domainId}`)
    assert.equal(listed.length, 6)
  })

  test('a directory that takes connections and never answers holds nobody for ever', async (t) => {
    const { identity, domainId } = await startWithDirectory(t, directory)
    await directory.suspend()
    try {
      const answers = await Promise.all([
        login(identity, domainId, 'alice'),
        login(identity, domainId, 'bob'),
        identity.request('GET', `/users?domain_id=${domainId}`),
      ])
      assert.deepEqual(
        answers.map((answer) => answer.status),
        [503, 503, 503],
      )
    } finally {
      directory.resume()
    }
    await until(async () => (await login(identity, domainId, 'alice')).status === 201)
  })

  test('A7: who is disabled, removed or put out of a group in the directory loses his tokens, for good', async (t) => {
    const { identity, domainId } = await startWithDirectory(t, directory, { more: 'caching = false\n' })
    const { scope } = await withProject(identity, domainId)
    await directory.add(person('eve', { userPassword: 'pw-eve' }))
    await directory.modify('cn=devs,ou=UserGroups', 'add', 'member', `uid=eve,ou=Users,${suffix}`)
    const tokenOf = async () => {
      const answer = await login(identity, domainId, 'eve', undefined, scope)
      assert.equal(answer.status, 201, JSON.stringify(answer.body))
      return answer.headers['X-Subject-Token']!
    }
    const isValid = async (token: string) => (await identity.request('GET', '/auth/projects', { token })).status === 200

    const first = await tokenOf()
    assert.ok(await isValid(first))
    await directory.modify('uid=eve,ou=Users', 'replace', 'enabled', 'FALSE')
    assert.ok(!(await isValid(first)))
    assert.equal((await login(identity, domainId, 'eve')).status, 401)
    await directory.modify('uid=eve,ou=Users', 'replace', 'enabled', 'TRUE')
    assert.ok(!(await isValid(first)), 'enabling brings no old token back')

    const second = await tokenOf()
    await directory.modify('cn=devs,ou=UserGroups', 'delete', 'member', `uid=eve,ou=Users,${suffix}`)
    assert.ok(!(await isValid(second)))
    assert.equal((await login(identity, domainId, 'eve', undefined, scope)).status, 401)

    await directory.modify('cn=devs,ou=UserGroups', 'add', 'member', `uid=eve,ou=Users,${suffix}`)
    const third = await tokenOf()
    await directory.remove('uid=eve,ou=Users')
    assert.ok(!(await isValid(third)))
    const listed = await identity.make<User[]>('GET', `/users?domain_id=${domainId}`)
    assert.ok(listed.every((user) => user.name !== 'eve'))
    assert.deepEqual(await identity.make('GET', `/users?domain_id=${domainId}&name=eve`), [])
    await directory.add(person('eve', { userPassword: 'pw-eve' }))
    assert.equal((await login(identity, domainId, 'eve')).status, 201)
    assert.ok(!(await isValid(third)), 'neither does his return')
    await directory.remove('uid=eve,ou=Users')
  })

  test('two entries of one name are two users', async (t) => {
    const options = { user_name_attribute: 'sn' }
    const { identity, domainId } = await startWithDirectory(t, directory, { options })
    await directory.add(person('twin1', { sn: 'Twin', userPassword: 'pw' }) + person('twin2', { sn: 'Twin' }))
    const list = () => identity.make<User[]>('GET', `/users?domain_id=${domainId}&name__startswith=Twin`)
    const [one, two] = await list()
    assert.ok(one && two && one.id !== two.id && one.name !== two.name)
    assert.deepEqual(await list(), [one, two])
    await directory.remove('uid=twin1,ou=Users')
    assert.deepEqual(
      (await list()).map((user) => user.name),
      ['Twin'],
    )
    await directory.remove('uid=twin2,ou=Users')
  })

  test('configured in the database: a change counts at once, a wrong option is of that domain alone', async (t) => {
    const { deps } = await openTestDeps(
      t,
      '[identity]\npassword_hash_rounds = 4\ndomain_specific_drivers_enabled = true\ndomain_configurations_from_database = true\n',
    )
    const { db } = deps.database
    const configure = async (options: Record<string, unknown>) => {
      await createDomainConfig(deps, 'corp-id', { identity: { driver: 'ldap' }, ldap: options })
      deps.changed()
    }
    const logIn = (name: string) =>
      authenticate(deps, { identity: byPassword('corp-id', name) }, { headers: {}, path: '', peer: undefined })
    const { connection_timeout: _seconds, ...options } = ldapOptionsOf(directory)
    await assert.rejects(logIn('alice'), { kind: 'unauthenticated' })
    await configure({ ...options, pool_size: '5', use_pool: 'False', url: directory.url.replace('//', '//%(nobody)s') })
    await assert.rejects(logIn('alice'), { kind: 'unavailable' })
    await configure({ ...options, user: String(options['user']).replace('admin', '%(nothing)s') })
    await assert.rejects(logIn('alice'), { kind: 'unavailable' })
    await configure(options)
    assert.equal((await logIn('alice')).kind, 'token')
    await configure({ ...options, user_filter: '(uid=bob)' })
    await assert.rejects(logIn('alice'), { kind: 'unauthenticated' })
    assert.equal((await logIn('bob')).kind, 'token')
    await configure({ ...options, use_tls: 'maybe' })
    await assert.rejects(logIn('bob'), { kind: 'unavailable' })
    assert.equal(await deps.directories.of('default'), undefined)
    await configure({ ...options, user_filter: '(((' })
    await assert.rejects(logIn('bob'), { kind: 'unavailable' })
    await db.deleteFrom('domain_options').execute()
    deps.changed()
    await assert.rejects(logIn('bob'), { kind: 'unauthenticated' })
  })

  test('the configuration of a domain is set by its API and counts with the next request', async (t) => {
    const identity = await startIdentity(
      t,
      'domain_specific_drivers_enabled = true\ndomain_configurations_from_database = true\n',
    )
    const domain = await identity.make('POST', '/domains', { domain: { name: 'corp' } })
    const { connection_timeout: _seconds, ...ldap } = ldapOptionsOf(directory)
    const path = `/domains/${domain.id}/config`
    const body = { config: { identity: { driver: 'ldap' }, ldap } }
    assert.equal((await identity.request('PUT', path, { body })).status, 201)
    assert.ok(!JSON.stringify((await identity.request('GET', path)).body).includes(String(ldap['password'])))
    assert.equal((await login(identity, domain.id, 'alice')).status, 201)
    const only = { config: { ldap: { user_filter: '(uid=bob)' } } }
    assert.equal((await identity.request('PATCH', path, { body: only })).status, 200)
    assert.equal((await login(identity, domain.id, 'alice')).status, 401)
    assert.equal((await login(identity, domain.id, 'bob')).status, 201)
    assert.equal((await identity.request('DELETE', path)).status, 204)
    assert.equal((await login(identity, domain.id, 'bob')).status, 401)
  })

  test('with [identity] driver = ldap the default domain is the directory, with the ids that it has', async (t) => {
    const { deps } = await openTestDeps(t, configText(ldapOptionsOf(directory)))
    await deps.residents.listUsers('default')
    const [alice] = await listRows(deps.database.db, 'users', { name: 'alice' })
    assert.equal(alice?.id, 'alice')
    assert.equal(alice.domain_id, 'default')
    assert.equal(await deps.directories.of('corp-id'), undefined)
  })

  test('mapping_populate gives ids, mapping_purge takes them', async (t) => {
    const { deps, folder } = await openTestDeps(
      t,
      '[identity]\ndomain_specific_drivers_enabled = true\ndomain_configurations_from_database = true\ndomain_config_dir = FOLDER\n',
    )
    writeFileSync(
      join(folder, 'keystone.corp.conf'),
      configText(ldapOptionsOf(directory)).replace(/connection_.*\n/, ''),
    )
    writeFileSync(join(folder, 'keystone.none.conf'), configText({}))
    writeFileSync(join(folder, 'keystone.Default.conf'), '[token]\nexpiration = 5\n')
    await assert.rejects(populateMappings(deps, 'corp'), /has no directory/)
    const uploaded = await uploadDomainConfigs(deps, { all: true })
    assert.deepEqual(Object.fromEntries(uploaded.map(({ domain, problem }) => [domain, problem === undefined])), {
      corp: true,
      none: false,
      Default: false,
    })
    const [again] = await uploadDomainConfigs(deps, { domainName: 'corp' })
    assert.match(again?.problem ?? '', /already has a configuration/)
    assert.deepEqual(await populateMappings(deps, 'corp'), { count: 8 })
    await assert.rejects(populateMappings(deps, 'none'), /Invalid domain name/)
    await assert.rejects(purgeMappings(deps, {}), /At least one option/)
    await assert.rejects(purgeMappings(deps, { all: true, type: 'user' }), /cannot be mixed/)
    assert.deepEqual(await purgeMappings(deps, { localId: 'alice' }), { count: 1 })
    assert.deepEqual(await purgeMappings(deps, { type: 'group' }), { count: 2 })
    assert.deepEqual(await purgeMappings(deps, { domainName: 'corp' }), { count: 5 })
    assert.deepEqual(await listRows(deps.database.db, 'users'), [])
  })

  test('a file that cannot be used stops the start and is named', async (t) => {
    const open = (text: string) =>
      openTestDeps(t, `[identity]\ndomain_specific_drivers_enabled = true\ndomain_config_dir = ${text}\n`)
    const folder = mkdtempSync(join(tmpdir(), 'nephos-domains-'))
    t.after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'keystone.corp.conf'), '[identity]\ndriver = ldap\n[ldap]\nuse_tls = perhaps\n')
    await assert.rejects(open(folder), /keystone\.corp\.conf:4: \[ldap\] use_tls/)
    writeFileSync(join(folder, 'keystone.corp.conf'), '[identity]\ndriver = ldap\n[ldap]\nuser_filter = (((\n')
    await assert.rejects(open(folder), /user_filter/)
  })
})

async function until(isSo: () => Promise<boolean>) {
  for (let tries = 0; !(await isSo()); tries++) {
    assert.ok(tries < 200, 'it never came to be so')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
