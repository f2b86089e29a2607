import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openDatabase } from '../../../platform/db/database.ts'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import type { IdentitySchema } from '../store/tables.ts'
import { byPassword, startIdentity } from '../testing/identity.ts'

const rules = (...lines: string[]) => `[security_compliance]\n${lines.join('\n')}\n`

async function setUp(t: TestContext, configuration: string, options: object = {}) {
  const identity = await startIdentity(t, configuration)
  const user = await identity.make('POST', '/users', { user: { name: 'joe', password: 'First-1', options } })
  const change = (original_password: string, password: string) =>
    identity.request('POST', `/users/${user.id}/password`, {
      token: '',
      body: { user: { original_password, password } },
    })
  const login = async (password: string) => (await identity.authenticate(byPassword('joe', password))).status
  /** Sets the clock of a user back. */
  const backdate = async (columns: Partial<IdentitySchema['users']>) => {
    const { db, close } = openDatabase<IdentitySchema>(await testDatabaseUrl(identity.stateDir, 'identity'))
    await db.updateTable('users').set(columns).where('id', '=', user.id).execute()
    await close()
  }
  return { identity, user, change, login, backdate }
}

const daysAgo = (days: number) => Date.now() - days * 86_400_000

const messageOf = (answer: { body: Record<string, unknown> }) => (answer.body['error'] as { message: string }).message

test('lockout: after so many failures the right password does not help either, until an administrator enables the user', async (t) => {
  const { identity, user, login } = await setUp(t, rules('lockout_failure_attempts = 3', 'lockout_duration = 600'))
  for (const _try of [1, 2, 3]) assert.equal(await login('wrong'), 401)
  assert.equal(await login('First-1'), 401)
  await identity.make('PATCH', `/users/${user.id}`, { user: { enabled: true } })
  assert.equal(await login('First-1'), 201)
  for (const _try of [1, 2]) await login('wrong')
  assert.equal(await login('First-1'), 201, 'a success forgets what was before')
  await login('wrong')
  assert.equal(await login('First-1'), 201)
})

test('lockout: guesses at once are counted like guesses in turn', async (t) => {
  const { login } = await setUp(t, rules('lockout_failure_attempts = 3'))
  const guesses = [...Array.from({ length: 20 }, (_value, index) => `wrong-${index}`), 'First-1']
  const answers = await Promise.all(guesses.map(login))
  assert.deepEqual(new Set(answers), new Set([401]))
  assert.equal(await login('First-1'), 401)
})

test('lockout ends after lockout_duration, and the count begins anew', async (t) => {
  const { login, backdate } = await setUp(t, rules('lockout_failure_attempts = 2', 'lockout_duration = 600'))
  for (const _try of [1, 2]) await login('wrong')
  await backdate({ failed_auth_at: Date.now() - 590_000 })
  assert.equal(await login('First-1'), 401)
  await backdate({ failed_auth_at: Date.now() - 601_000 })
  assert.equal(await login('wrong'), 401)
  assert.equal(await login('First-1'), 201, 'one failure since')
})

test('lockout lasts where no duration is set, and holds for changes of the password too', async (t) => {
  const { login, change, backdate } = await setUp(t, rules('lockout_failure_attempts = 2', 'lockout_duration = 0'))
  for (const _try of [1, 2]) assert.equal((await change('wrong', 'Second-2')).status, 401)
  await backdate({ failed_auth_at: daysAgo(400) })
  assert.equal(await login('First-1'), 401)
  assert.equal((await change('First-1', 'Second-2')).status, 401)
})

test('a user who was not there for too long is disabled until an administrator enables him', async (t) => {
  const { identity, user, login, backdate } = await setUp(t, rules('disable_user_account_days_inactive = 90'))
  await backdate({ last_active_at: daysAgo(89) })
  assert.equal(await login('First-1'), 201)
  await backdate({ last_active_at: daysAgo(90) })
  assert.equal(await login('First-1'), 401)
  const shown = await identity.make<{ enabled: boolean }>('GET', `/users/${user.id}`)
  assert.equal(shown.enabled, false)
  await identity.make('PATCH', `/users/${user.id}`, { user: { enabled: true } })
  assert.equal(await login('First-1'), 201)
  await backdate({ last_active_at: null, created_at: daysAgo(91) })
  assert.equal(await login('First-1'), 401, 'who never came')
  await identity.make('PATCH', `/users/${user.id}`, { user: { options: { ignore_user_inactivity: true } } })
  assert.equal(await login('First-1'), 201)
})

test('an expired password opens nothing and can be changed', async (t) => {
  const { identity, login, change, backdate } = await setUp(t, rules('password_expires_days = 30'))
  assert.equal(await login('First-1'), 201)
  await backdate({ password_expires_at: Date.now() - 1000 })
  const answer = await identity.authenticate(byPassword('joe', 'First-1'))
  assert.equal(answer.status, 401)
  assert.match(messageOf(answer), /password is expired/)
  assert.doesNotMatch(messageOf(await identity.authenticate(byPassword('joe', 'wrong'))), /expired/)
  assert.equal((await change('First-1', 'Second-2')).status, 204)
  assert.equal(await login('Second-2'), 201)
})

test('a password may be changed again after minimum_password_age', async (t) => {
  const { change, backdate } = await setUp(t, rules('minimum_password_age = 2'))
  assert.equal((await change('First-1', 'Second-2')).status, 204)
  await backdate({ password_created_at: daysAgo(1.9) })
  assert.equal((await change('Second-2', 'Third-3')).status, 400)
  await backdate({ password_created_at: daysAgo(2.1) })
  assert.equal((await change('Second-2', 'Third-3')).status, 204)
})

test('lockout can be switched off for a user', async (t) => {
  const { login } = await setUp(t, rules('lockout_failure_attempts = 1'), { ignore_lockout_failure_attempts: true })
  for (const _try of [1, 2, 3]) await login('wrong')
  assert.equal(await login('First-1'), 201)
})

test('a password must have the form that the operator describes', async (t) => {
  const { identity, user, change } = await setUp(
    t,
    rules(
      'password_regex = ^(?=.*[0-9])(?=.*[A-Z]).{7,}$',
      'password_regex_description = seven characters, A-Z and 0-9',
    ),
  )
  const answer = await identity.request('POST', '/users', { body: { user: { name: 'x', password: 'weak' } } })
  assert.equal(answer.status, 400)
  assert.match(messageOf(answer), /seven characters, A-Z and 0-9/)
  assert.equal((await change('First-1', 'weak')).status, 400)
  assert.equal(
    (await identity.request('PATCH', `/users/${user.id}`, { body: { user: { password: 'weak' } } })).status,
    400,
  )
  assert.equal((await change('First-1', 'Second-22')).status, 204)
})

test('a new password differs from the last ones, for the user himself', async (t) => {
  const { change } = await setUp(t, rules('unique_last_password_count = 2'))
  assert.equal((await change('First-1', 'First-1')).status, 400)
  assert.equal((await change('First-1', 'Second-2')).status, 204)
  const answer = await change('Second-2', 'First-1')
  assert.equal(answer.status, 400)
  assert.match(messageOf(answer), /cannot be identical to a previous password/)
  assert.equal((await change('Second-2', 'Third-3')).status, 204)
  assert.equal((await change('Third-3', 'First-1')).status, 204, 'the first one is old enough')
})

test('a password that the user has just set stays for a while; one from an administrator does not', async (t) => {
  const { change } = await setUp(t, rules('minimum_password_age = 1'))
  assert.equal((await change('First-1', 'Second-2')).status, 204)
  const answer = await change('Second-2', 'Third-3')
  assert.equal(answer.status, 400)
  assert.match(messageOf(answer), /minimum password age/)
})

test('a password of an administrator must be changed first, and the login says so', async (t) => {
  const { identity, change, login } = await setUp(t, rules('change_password_upon_first_use = true'))
  const answer = await identity.authenticate(byPassword('joe', 'First-1'))
  assert.equal(answer.status, 401)
  assert.match(messageOf(answer), /password is expired and needs to be changed/)
  assert.equal((await change('First-1', 'Second-2')).status, 204)
  assert.equal(await login('Second-2'), 201)
})

test('passwords expire after so many days, but not for a user who is exempt', async (t) => {
  const { identity } = await setUp(t, rules('password_expires_days = 30'))
  const make = async (name: string, options: object) =>
    identity.make<{ password_expires_at: string | null }>('POST', '/users', { user: { name, password: 'x', options } })
  const days = (Date.parse((await make('a', {})).password_expires_at!) - Date.now()) / 86_400_000
  assert.ok(days > 29.9 && days <= 30)
  assert.equal((await make('b', { ignore_password_expiry: true })).password_expires_at, null)
})

test('a locked password is changed by administrators only, and an unknown option is refused', async (t) => {
  const { identity, user, change } = await setUp(t, '', { lock_password: true })
  assert.equal((await change('First-1', 'Second-2')).status, 400)
  await identity.make('PATCH', `/users/${user.id}`, { user: { options: { lock_password: null } } })
  assert.equal((await change('First-1', 'Second-2')).status, 204)
  const answer = await identity.request('PATCH', `/users/${user.id}`, {
    body: { user: { options: { nonsense: true } } },
  })
  assert.equal(answer.status, 400)
})

test('A12: passwords that differ behind the 72nd byte differ; too long ones are refused', async (t) => {
  const { identity } = await setUp(t, '')
  const [one, two] = [`${'x'.repeat(79)}1`, `${'x'.repeat(79)}2`]
  await identity.make('POST', '/users', { user: { name: 'long', password: one } })
  assert.equal((await identity.authenticate(byPassword('long', one))).status, 201)
  assert.equal((await identity.authenticate(byPassword('long', two))).status, 401)
  const answer = await identity.request('POST', '/users', { body: { user: { name: 'y', password: 'x'.repeat(4097) } } })
  assert.equal(answer.status, 403)
})

test('two changes at once: the password that is gone opens nothing', async (t) => {
  const { change, login } = await setUp(t, '')
  const answers = await Promise.all([change('First-1', 'Second-2'), change('First-1', 'Third-3')])
  assert.deepEqual(answers.map((answer) => answer.status).toSorted(), [204, 401])
  assert.equal(await login('First-1'), 401)
})
