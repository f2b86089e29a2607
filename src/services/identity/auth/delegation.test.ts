import assert from 'node:assert/strict'
import fc from 'fast-check'
import { after, before, test } from 'node:test'
import { acts, Delegations, type Step } from '../testing/delegations.ts'
import { createTestIdentity, type TestIdentity } from '../testing/identity.ts'
import { OAuthConsumer } from '../testing/oauth1.ts'

let identity: TestIdentity
let consumer: OAuthConsumer
let service: string

before(async () => {
  identity = await createTestIdentity()
  consumer = await OAuthConsumer.create(identity)
  service = await identity.login('nova', 'nova-password', { project: { name: 'service', domain: { id: 'default' } } })
})
after(() => identity.close())

async function world(): Promise<Delegations> {
  const made = new Delegations(identity, consumer, service)
  await made.people()
  return made
}

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom(...acts),
  pick: fc.nat(1000),
  other: fc.nat(1000),
  project: fc.nat(1),
  roles: fc.uniqueArray(fc.constantFrom('reader', 'member', 'manager', 'admin'), { maxLength: 2 }),
  flag: fc.boolean(),
  minutes: fc.option(fc.integer({ min: 2, max: 100 }), { nil: undefined }),
})

test('A4, A6: whatever is handed on, no token has more, elsewhere or for longer than what it was made from', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const people = await world()
      for (const each of steps) await people.step(each)
      await people.look()
    }),
    { numRuns: 25, interruptAfterTimeLimit: 9_000, endOnFailure: true },
  )
})

test('every act of these sequences can succeed', async () => {
  const people = await world()
  const usual = { project: 0, roles: ['member'], flag: true, minutes: undefined }
  for (const act of acts.filter((each) => each !== 'end'))
    for (let pick = 1; pick < 30; pick += 2) await people.step({ ...usual, act, pick, other: pick, flag: pick % 4 === 1 })
  await people.step({ ...usual, act: 'end', pick: 0, other: 0 })
  assert.deepEqual([...people.successes.keys()].toSorted(), acts.toSorted())
})
