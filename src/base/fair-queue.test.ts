import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairQueue, QueueFull, type QueueLimits } from './fair-queue.ts'

/** A queue whose work ends when the test says so; `served` are names in the order of their turns. */
function openQueue(limits: Partial<QueueLimits> = {}) {
  const queue = new FairQueue({ atOnce: 2, waiting: 1000, waitingOfAddress: 300, waitingOfUser: 300, ...limits })
  const served: string[] = []
  const ends: (() => void)[] = []
  const ask = (address: string, user: string, name = `${user}@${address}`) => {
    const done = queue.run({ address, user }, async () => {
      served.push(name)
      await new Promise<void>((resolve) => ends.push(resolve))
      return name
    })
    const answer: Promise<string> = done.catch((error: unknown) =>
      error instanceof QueueFull ? error.why : Promise.reject(error as Error),
    )
    return answer
  }
  const finish = async (count: number) => {
    for (let index = 0; index < count; index++) {
      ends.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { ask, served, finish }
}

const times = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index))

test('P17: behind a flood of one address, another one has its turn at once', async () => {
  for (const user of [() => 'victim', (index: number) => `u${index}`]) {
    const { ask, served, finish } = openQueue()
    const flood = times(1200, (index) => ask('bad', user(index)))
    await finish(4)
    const before = served.length
    void ask('good', 'me')
    await finish(4)
    assert.ok(served.slice(before).includes('me@good'), served.slice(before).join())
    assert.equal(await Promise.race(flood.slice(-1)), 'own')
  }
})

test('P17: behind a flood for one user from everywhere, another user has his turn at once, also at the same address', async () => {
  const { ask, served, finish } = openQueue()
  times(400, (index) => ask(`bad${index}`, 'victim'))
  times(100, () => ask('proxy', 'victim'))
  const before = served.length
  void ask('proxy', 'me')
  await finish(4)
  assert.ok(served.slice(before).includes('me@proxy'), served.slice(before).join())
})

test('P17: a flood for a user does not keep the user himself out', async () => {
  const { ask, served, finish } = openQueue({ waitingOfUser: 20 })
  const flood = times(100, () => ask('bad', 'me'))
  void ask('good', 'me', 'right')
  await finish(6)
  assert.ok(served.slice(0, 6).includes('right'), served.join())
  assert.deepEqual(new Set(await Promise.all(flood.slice(22))), new Set(['own']))
})

test('when the queue is full the longest line loses its last, and who makes it so is refused', async () => {
  const { ask, served, finish } = openQueue({ atOnce: 1, waiting: 10 })
  const flood = times(11, (index) => ask('bad', `u${index}`))
  const late = ask('good', 'me')
  assert.equal(await flood[10], 'busy')
  assert.equal(await ask('bad', 'another'), 'busy')
  await finish(12)
  assert.equal(await late, 'me@good')
  assert.equal(served.length, 11)
})

test('work that fails gives its place on, and turns are in order within a line', async () => {
  const queue = new FairQueue({ atOnce: 1, waiting: 10, waitingOfAddress: 10, waitingOfUser: 10 })
  const order: number[] = []
  const asker = { address: 'a', user: 'u' }
  const all = times(5, (index) =>
    queue.run(asker, async () => {
      order.push(index)
      if (index % 2 === 0) throw new Error('no')
    }),
  )
  assert.deepEqual(
    (await Promise.allSettled(all)).map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected'],
  )
  assert.deepEqual(order, [0, 1, 2, 3, 4])
})
