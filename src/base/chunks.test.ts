import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { pass } from './chunks.ts'
import { FileSource } from './file-source.ts'

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

test('a part of a file passes in blocks that go round, and as a plain stream in memory that stays', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-chunks-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'file')
  const bytes = randomBytes(3_000_000)
  writeFileSync(file, bytes)
  for (const [start, end] of [
    [0, undefined],
    [0, 0],
    [17, 2_000_000],
    [2_999_999, 2_999_999],
    [3_000_000, undefined],
  ] as const) {
    const range = { start, ...(end !== undefined && { end }) }
    const expected = bytes.subarray(start, end === undefined ? undefined : end + 1)
    const copy: Buffer[] = []
    const memory = new Set<ArrayBufferLike>()
    const passed = new FileSource(await open(file), range)
    await pass(passed, async (block) => {
      await setImmediate()
      copy.push(Buffer.from(block))
      memory.add(block.buffer)
    })
    assert.ok(Buffer.concat(copy).equals(expected), `${start}-${end} in blocks`)
    assert.ok(memory.size <= 2)
    assert.ok(passed.destroyed)
    const chunks = (await new FileSource(await open(file), range).toArray()) as Buffer[]
    assert.ok(Buffer.concat(chunks).equals(expected), `${start}-${end} as a stream`)
  }
})

test('a file that is no longer wanted, or cannot be read, ends with its reason and is closed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-chunks-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const handle = await open(folder)
  await assert.rejects(
    pass(new FileSource(handle), () => undefined),
    /EISDIR/,
  )
  await setImmediate()
  assert.equal(handle.fd, -1)
  const file = join(folder, 'file')
  writeFileSync(file, randomBytes(2_000_000))
  const wanted = await open(file)
  await assert.rejects(
    pass(new FileSource(wanted), () => Promise.reject(new Error('enough'))),
    /enough/,
  )
  await setImmediate()
  assert.equal(wanted.fd, -1)
})
