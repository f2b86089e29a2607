import assert from 'node:assert/strict'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { pass } from './chunks.ts'

test('chunks of a file are given back once they have passed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-chunks-'))
  try {
    const file = join(folder, 'file')
    const bytes = Buffer.alloc(200_000, 'abc')
    writeFileSync(file, bytes)
    const seen: Uint8Array[] = []
    const copy: Uint8Array[] = []
    await pass(createReadStream(file, { highWaterMark: 65_536 }), (chunk) => {
      seen.push(chunk)
      copy.push(Uint8Array.from(chunk))
      return undefined
    })
    assert.ok(Buffer.concat(copy).equals(bytes))
    assert.deepEqual(
      seen.map((chunk) => chunk.length),
      [0, 0, 0, 0],
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('chunks that somebody else may hold stay as they are', async () => {
  const chunk = new Uint8Array(1000).fill(7)
  const source = Readable.from([chunk, chunk])
  let sum = 0
  await pass(source, (each) => void (sum += each.length))
  assert.equal(sum, 2000)
  assert.equal(chunk.length, 1000)
})

test('one chunk at a time, and none after a failure; the source stays open', async () => {
  const source = Readable.from(['a', 'b', 'c'].map((each) => Buffer.from(each)))
  const seen: string[] = []
  let running = 0
  await assert.rejects(
    pass(source, async (chunk) => {
      assert.equal(running++, 0)
      seen.push(Buffer.from(chunk).toString())
      await setImmediate()
      running--
      if (seen.length === 2) throw new Error('enough')
    }),
    /enough/,
  )
  await setImmediate()
  assert.deepEqual(seen, ['a', 'b'])
  assert.equal(source.destroyed, false)
})

test('a source that fails or is cut fails, once the chunk in hand is taken', async () => {
  const source = new Readable({ read: () => undefined })
  source.push(Buffer.from('a'))
  let isTaken = false
  const passed = pass(source, async () => {
    source.destroy(new Error('cut'))
    await setImmediate()
    isTaken = true
  })
  await assert.rejects(passed, /cut/)
  assert.equal(isTaken, true)
})
