import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SettableClock } from './clock.ts'

const hour = 3_600_000

/** A clock that the test sets and lets pass. */
function makeClock() {
  let wall = 1_000 * hour
  let steady = 5_000
  const clock = new SettableClock(
    () => wall,
    () => steady,
  )
  return {
    clock,
    now: () => wall,
    pass(ms: number) {
      wall += ms
      steady += ms
    },
    set: (ms: number) => void (wall += ms),
    correct: (ms: number) => void (wall += ms),
  }
}

test('while nobody sets the clock an age is the difference', () => {
  const { clock, now, pass } = makeClock()
  const begun = now()
  pass(1000)
  assert.equal(clock.ageOf(begun), 1000)
  assert.equal(clock.ageOf(begun - hour), hour + 1000, 'from before this process')
  assert.equal(clock.ageOf(now() + 5), 0)
  assert.equal(clock.timeAgo(1000), begun)
  assert.equal(clock.timeAgo(hour), now() - hour)
})

for (const by of [2 * hour, -2 * hour])
  test(`a clock set by ${by / hour} hours makes nothing older or younger`, () => {
    const { clock, now, pass, set } = makeClock()
    pass(hour)
    const before = now()
    assert.equal(clock.ageOf(before), 0)
    pass(10_000)
    set(by)
    assert.equal(clock.ageOf(before), 10_000)
    assert.equal(clock.timeAgo(10_000), before)
    pass(1000)
    const after = now()
    pass(2000)
    assert.equal(clock.ageOf(before), 13_000)
    assert.equal(clock.ageOf(after), 2000)
    assert.equal(clock.timeAgo(13_000), before)
    assert.equal(clock.timeAgo(2000), after)
    set(-by)
    pass(500)
    assert.equal(clock.ageOf(before), 13_500)
    for (let count = 0; count < 100; count++) {
      set(by)
      pass(1000)
      assert.ok(clock.ageOf(now()) === 0)
    }
  })

test('a clock that is corrected little by little goes on', () => {
  const { clock, now, pass, correct } = makeClock()
  for (let count = 0; count < 10_000; count++) {
    pass(1000)
    correct(0.5)
    assert.ok(Math.abs(clock.ageOf(now() - 60_000) - 60_000) <= 1100)
  }
})
