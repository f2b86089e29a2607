/** Several keystones on one database and one set of keys: what one changes the others know, and any may end. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { waitFor } from '../../base/wait.ts'
import { byPassword, openTestIdentity, type TestIdentity } from './testing/identity.ts'
import { rotateKeys } from './tokens/key-repository.ts'

const hosts = ['c1', 'c2', 'c3']
const adminProject = { project: { name: 'admin', domain: { id: 'default' } } }

/** Keystones that share everything; requests go to one after the other. */
class Fleet {
  readonly processes = new Map<string, TestIdentity>()
  readonly folder = mkdtempSync(join(tmpdir(), 'nephos-keystones-'))
  readonly #configuration: string
  #turn = 0

  private constructor(configuration: string) {
    this.#configuration = `[identity]\npassword_hash_rounds = 4\n${configuration}`
  }

  static async set(t: TestContext, configuration = ''): Promise<Fleet> {
    const fleet = new Fleet(configuration)
    t.after(() => fleet.#end())
    await Promise.all(hosts.map((host) => fleet.boot(host)))
    return fleet
  }

  async boot(host: string): Promise<void> {
    this.processes.set(host, await openTestIdentity(this.folder, this.#configuration))
  }

  async shutDown(host: string): Promise<void> {
    const identity = this.processes.get(host)!
    this.processes.delete(host)
    await identity.service.stop()
  }

  get all(): TestIdentity[] {
    return [...this.processes.values()]
  }

  get next(): TestIdentity {
    return this.all[this.#turn++ % this.processes.size]!
  }

  async #end() {
    for (const each of this.all) await each.service.stop()
    rmSync(this.folder, { recursive: true })
  }
}

const validate = async (identity: TestIdentity, token: string) =>
  (await identity.request('GET', '/auth/tokens', { headers: { 'x-subject-token': token } })).status

/** In all of them, as soon as they have looked. */
const everywhere = (fleet: Fleet, what: string, condition: (identity: TestIdentity) => Promise<boolean>) =>
  waitFor(async () => (await Promise.all(fleet.all.map(condition))).every(Boolean), { what, timeoutMs: 30_000 })

test('keystones that start at once on an empty database make everything once', async (t) => {
  const fleet = await Fleet.set(t)
  for (const path of ['/projects?name=admin', '/users?name=admin', '/services', '/regions', '/roles?name=admin'])
    assert.equal((await fleet.next.make<object[]>('GET', path)).length, 1, path)
})

test('a token of one is known to all at once, and its end soon', async (t) => {
  const fleet = await Fleet.set(t)
  const [first, second, third] = fleet.all as [TestIdentity, TestIdentity, TestIdentity]
  const project = await first.make('POST', '/projects', { project: { name: 'p' } })
  const user = await second.member('user', project.id)
  for (const each of fleet.all) assert.equal(await validate(each, user.token), 200)
  await third.request('DELETE', '/auth/tokens', { headers: { 'x-subject-token': user.token } })
  await everywhere(fleet, 'it is revoked', async (each) => (await validate(each, user.token)) === 404)

  const again = await first.login('user', 'secret-user', { project: { id: project.id } })
  for (const each of fleet.all) assert.equal(await validate(each, again), 200)
  await second.make('DELETE', `/projects/${project.id}/users/${user.id}/roles/${await second.roleId('member')}`)
  await everywhere(fleet, 'without a role it is over', async (each) => (await validate(each, again)) === 404)
})

test('wrong passwords are counted together, and who is locked is locked everywhere', async (t) => {
  const fleet = await Fleet.set(t, '[security_compliance]\nlockout_failure_attempts = 6\nlockout_duration = 3600\n')
  await fleet.next.make('POST', '/users', { user: { name: 'victim', password: 'secret' } })
  const guesses = Array.from({ length: 5 }, () => fleet.next.authenticate(byPassword('victim', 'wrong')))
  for (const answer of await Promise.all(guesses)) assert.equal(answer.status, 401)
  for (const each of fleet.all) await each.login('victim', 'secret')
  for (let guess = 0; guess < 6; guess++) await fleet.next.authenticate(byPassword('victim', 'wrong'))
  for (const each of fleet.all) assert.equal((await each.authenticate(byPassword('victim', 'secret'))).status, 401)
})

test('a trust is used as often as it says, whoever is asked', async (t) => {
  const fleet = await Fleet.set(t)
  const project = await fleet.next.make('POST', '/projects', { project: { name: 'p' } })
  const trustor = await fleet.next.member('trustor', project.id)
  const trustee = await fleet.next.make('POST', '/users', { user: { name: 'trustee', password: 'secret' } })
  const people = { trustor_user_id: trustor.id, trustee_user_id: trustee.id, project_id: project.id }
  const wanted = { ...people, impersonation: false, remaining_uses: 4, roles: [{ name: 'member' }] }
  const trust = await fleet.next.make('POST', '/OS-TRUST/trusts', { trust: wanted }, trustor.token)
  const scope = { 'OS-TRUST:trust': { id: trust.id } }
  const answers = await Promise.all(
    Array.from({ length: 9 }, () => fleet.next.authenticate(byPassword('trustee', 'secret'), scope)),
  )
  assert.equal(answers.filter(({ status }) => status === 201).length, 4)
})

test('a name is given once, and limits are what was written last', async (t) => {
  const fleet = await Fleet.set(t)
  const made = await Promise.all(
    Array.from({ length: 9 }, () => fleet.next.request('POST', '/users', { body: { user: { name: 'same' } } })),
  )
  assert.deepEqual(made.map(({ status }) => status).sort(), [201, ...Array.from({ length: 8 }, () => 409)])
  const [service] = await fleet.next.make<{ id: string }[]>('GET', '/services')
  const limit = { service_id: service!.id, resource_name: 'things', default_limit: 3 }
  const limits = await Promise.all(
    Array.from({ length: 6 }, () =>
      fleet.next.request('POST', '/registered_limits', { body: { registered_limits: [limit] } }),
    ),
  )
  assert.deepEqual(limits.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409])
  const [{ id }] = await fleet.next.make<[{ id: string }]>('GET', '/registered_limits')
  await fleet.next.make('PATCH', `/registered_limits/${id}`, { registered_limit: { default_limit: 7 } })
  for (const each of fleet.all)
    assert.equal((await each.make<{ default_limit: number }>('GET', `/registered_limits/${id}`)).default_limit, 7)
})

test('the catalog in tokens and the options of domains are the same in all', async (t) => {
  const fleet = await Fleet.set(
    t,
    '[identity]\ndomain_specific_drivers_enabled = true\ndomain_configurations_from_database = true\n',
  )
  const catalogOf = async (each: TestIdentity) => {
    const { body } = await each.authenticate(byPassword('admin', 'admin-password'), adminProject)
    return (body['token'] as { catalog: { type: string }[] }).catalog.map(({ type }) => type).sort()
  }
  for (const each of fleet.all) assert.deepEqual(await catalogOf(each), ['identity'])
  const { id } = await fleet.next.make('POST', '/services', { service: { type: 'image', name: 'glance' } })
  await fleet.next.make('POST', '/endpoints', {
    endpoint: { service_id: id, interface: 'public', region_id: 'RegionOne', url: 'http://glance' },
  })
  await everywhere(fleet, 'glance is in the catalog', async (each) => (await catalogOf(each)).includes('image'))

  const domain = await fleet.next.make('POST', '/domains', { domain: { name: 'd' } })
  const config = { ldap: { url: 'ldap://one' } }
  await fleet.next.make('PUT', `/domains/${domain.id}/config`, { config })
  for (const each of fleet.all) assert.deepEqual(await each.make('GET', `/domains/${domain.id}/config`), config)
})

test('tokens stay valid in all while keys rotate and processes end and come back', async (t) => {
  const fleet = await Fleet.set(t)
  const tokens: string[] = []
  const keys = join(fleet.folder, 'fernet-keys')
  const users: string[] = []
  for (const [round, host] of ['c2', 'c1', 'c3', 'c2', 'c1'].entries()) {
    const { id } = await fleet.next.make('POST', '/users', { user: { name: `user-${round}`, password: 'secret' } })
    users.push(id)
    tokens.push(await fleet.next.login(`user-${round}`, 'secret'))
    await fleet.shutDown(host)
    rotateKeys(keys, 10)
    tokens.push(await fleet.next.login('admin', 'admin-password', adminProject))
    // Who has not yet looked has the new key already: it was staged before.
    for (const each of fleet.all) assert.equal(await validate(each, tokens.at(-1)!), 200)
    await fleet.boot(host)
  }
  for (const each of fleet.all) for (const token of tokens) assert.equal(await validate(each, token), 200)
  for (const id of users) await fleet.next.make('DELETE', `/users/${id}`)
  await everywhere(fleet, 'tokens of the deleted are over', async (each) => {
    const states = await Promise.all(tokens.map((token) => validate(each, token)))
    return states.every((status, index) => status === (index % 2 === 0 ? 404 : 200))
  })
})
