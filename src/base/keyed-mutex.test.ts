import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyedMutex } from './keyed-mutex.ts'

test('work of one key waits for what was asked before, also when that failed; other keys do not wait', async () => {
  const mutex = new KeyedMutex()
  const seen: string[] = []
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const first = mutex.run('a', async () => {
    await gate
    seen.push('first')
    throw new Error('first failed')
  })
  const second = mutex.run('a', async () => seen.push('second'))
  await mutex.run('b', async () => seen.push('other'))
  open()
  await assert.rejects(first, /first failed/)
  await second
  assert.deepEqual(seen, ['other', 'first', 'second'])
})
