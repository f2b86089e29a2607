/** Many logins at once: who is served when, and how much work that is. */
import assert from 'node:assert/strict'
import bcrypt from 'bcrypt'
import { test, type TestContext } from 'node:test'
import {
  byPassword,
  createTestIdentity,
  openTestIdentity,
  startIdentity,
  type TestIdentity,
} from '../testing/identity.ts'

type Compare = (text: string, hash: string) => Promise<boolean>

/** What is compared from now on, in order. */
function watchCompare(t: TestContext) {
  const seen: { text: string; hash: string }[] = []
  const real = bcrypt.compare.bind(bcrypt) as Compare
  t.mock.method(bcrypt, 'compare', (text: string, hash: string) => (seen.push({ text, hash }), real(text, hash)))
  return seen
}

const loginFrom = (identity: TestIdentity, peer: string, name: string, password: string) =>
  identity.request('POST', '/auth/tokens', {
    token: '',
    peer,
    body: { auth: { identity: byPassword(name, password) } },
  })

const roundsOf = (hash: string) => Number(hash.split('$')[2])

test('P17: 1,200 wrong logins of one address, for one user or for many, let others in between', async (t) => {
  const identity = await startIdentity(t)
  await identity.make('POST', '/users', { user: { name: 'me', password: 'right' } })
  await identity.make('POST', '/users', { user: { name: 'victim', password: 'x' } })
  const seen = watchCompare(t)
  for (const nameOf of [() => 'victim', (index: number) => `nobody${index}`]) {
    seen.length = 0
    const flooded: unknown[] = []
    const flood = Array.from({ length: 1200 }, async (_, index) => {
      const answer = await loginFrom(identity, '192.0.2.1', nameOf(index), 'wrong')
      flooded.push(answer.status)
      return answer
    })
    // All of them have been looked up, and those that there is no place for are refused; the others stand in line.
    while (seen.length < 10 || flooded.length < 700) await new Promise((resolve) => setImmediate(resolve))
    const before = seen.length
    assert.equal((await loginFrom(identity, '192.0.2.2', 'me', 'right')).status, 201)
    const turn = seen.findIndex(({ text }) => text === 'right')
    assert.ok(turn >= before && turn <= before + 20, `${before} were served, then it was turn ${turn}`)
    const answers = await Promise.all(flood)
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))].sort(), [401, 429])
    const refused = answers.find((answer) => answer.status === 429)!
    assert.equal(refused.headers['Retry-After'], '5')
    assert.match(JSON.stringify(refused.body), /Too many logins/)
  }
})

test('A9: of many guesses at once no more are looked at than the lock allows', async (t) => {
  const identity = await startIdentity(t, '[security_compliance]\nlockout_failure_attempts = 3\n')
  await identity.make('POST', '/users', { user: { name: 'victim', password: 'right' } })
  const seen = watchCompare(t)
  const guesses = Array.from({ length: 50 }, (_, index) => loginFrom(identity, '192.0.2.1', 'victim', `guess${index}`))
  const last = loginFrom(identity, '192.0.2.1', 'victim', 'right')
  assert.deepEqual(new Set((await Promise.all([...guesses, last])).map(({ status }) => status)), new Set([401]))
  // The first one's hash is the victim's; whoever is locked out is compared with that of nobody.
  const looked = seen.filter(({ hash }) => hash === seen[0]!.hash)
  assert.ok(looked.length >= 3 && looked.length <= 4, `${looked.length} were looked at`)
  assert.equal(seen.length, 51)
})

test('A9: a password hashed with fewer rounds costs as much to guess at as one of nobody', async (t) => {
  const before = await createTestIdentity()
  await before.make('POST', '/users', { user: { name: 'old', password: 'right' } })
  await before.service.stop()
  const identity = await openTestIdentity(before.stateDir, '[identity]\npassword_hash_rounds = 7\n')
  t.after(() => identity.close())
  const seen = watchCompare(t)
  for (const name of ['old', 'nobody', 'old', 'nobody']) {
    seen.length = 0
    assert.equal((await loginFrom(identity, '192.0.2.1', name, 'wrong')).status, 401)
    assert.equal(
      seen.reduce((work, { hash }) => work + 2 ** roundsOf(hash), 0),
      2 ** 7,
      name,
    )
  }
})

test('A9: the services of the cloud log in without waiting; who guesses at their passwords does not', async (t) => {
  const identity = await startIdentity(t)
  const nova = { name: 'nova', password: 'a new one', project: 'service', roles: ['service'], reset: true }
  await identity.service.bootstrap({ projects: ['service'], users: [nova], region: 'RegionOne', services: [] })
  const seen = watchCompare(t)
  assert.equal((await loginFrom(identity, '192.0.2.1', 'nova', 'a new one')).status, 201)
  assert.equal(seen.length, 0)
  for (const [index, guess] of ['nova-password', '', 'a new one ', 'wrong'].entries()) {
    assert.equal((await loginFrom(identity, '192.0.2.1', 'nova', guess)).status, 401)
    assert.equal(seen.length, index + 1)
  }
})
