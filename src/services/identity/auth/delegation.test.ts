import assert from 'node:assert/strict'
import fc from 'fast-check'
import { after, before, test } from 'node:test'
import { acts, Delegations, type Step } from '../testing/delegations.ts'
import { createTestIdentity, type TestIdentity } from '../testing/identity.ts'
import { OAuthConsumer } from '../testing/oauth1.ts'
import { People } from '../testing/people.ts'

let identity: TestIdentity
let begin: () => Delegations

before(async () => {
  identity = await createTestIdentity()
  const consumer = await OAuthConsumer.create(identity)
  const project = { name: 'service', domain: { id: 'default' } }
  const service = await identity.login('nova', 'nova-password', { project })
  const people = await People.create(identity)
  begin = () => new Delegations(people, consumer, service)
})
after(() => identity.close())

const step: fc.Arbitrary<Step> = fc.record({
  // Chains grow where what was made is used.
  act: fc.oneof(fc.constantFrom(...acts), fc.constantFrom('use', 'make application credential')),
  pick: fc.nat(1000),
  other: fc.nat(1000),
  project: fc.nat(1),
  roles: fc.uniqueArray(fc.constantFrom('reader', 'member', 'manager', 'admin'), { maxLength: 1 }),
  flag: fc.boolean(),
  minutes: fc.option(fc.integer({ min: 2, max: 100 }), { nil: undefined }),
})

test('A4, A6: whatever is handed on, no token has more, elsewhere or for longer than what it was made from', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const people = begin()
      for (const each of steps) await people.step(each)
      await people.look()
    }),
    { numRuns: 40, interruptAfterTimeLimit: 9_000, endOnFailure: true },
  )
})

test('every act of these sequences can succeed', async () => {
  const people = begin()
  const usual = { project: 0, roles: ['member'], flag: true, minutes: undefined }
  for (const act of acts.filter((each) => each !== 'end'))
    for (let pick = 1; pick < 30; pick += 2)
      await people.step({ ...usual, act, pick, other: pick, flag: pick % 4 === 1 })
  await people.step({ ...usual, act: 'end', pick: 0, other: 0 })
  assert.deepEqual([...people.successes.keys()].toSorted(), acts.toSorted())
})
