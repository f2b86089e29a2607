/**
 * Rings against what Debian's swift-ring-builder (2.30.1) makes of the same commands: `testing/data/rings.json` has what it
 * was told, what it said and the hash of each ring file that it wrote.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readBuilder, writeBuilder } from '../../model/ring/builder-file.ts'
import { RingError } from '../../model/ring/errors.ts'
import { readRing } from '../../model/ring/ring-data.ts'
import { Ring } from '../../model/ring/ring.ts'
import { ringBuilder } from './program.ts'

const data = join(import.meta.dirname, '../../testing/data')

interface Step {
  command: string[]
  status: number
  output: string
  ring: string | null
}

async function run(t: TestContext, folder: string, command: readonly string[]) {
  let output = ''
  const print = (line: string) => void (output += `${line}\n`)
  const before = process.cwd()
  process.chdir(folder)
  t.after(() => process.chdir(before))
  try {
    const status = await ringBuilder(['object.builder', ...command], {
      print,
      warn: () => undefined,
      ask: async () => 'y',
    })
    return { status, output }
  } finally {
    process.chdir(before)
  }
}

const folderOf = (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-rings-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const stories = JSON.parse(readFileSync(join(data, 'rings.json'), 'utf8')) as Step[][]

test('the same commands and seeds make the same rings to the bit, and say the same', async (t) => {
  assert.ok(stories.length >= 10)
  for (const steps of stories) {
    const folder = folderOf(t)
    for (const step of steps) {
      const said = await run(t, folder, step.command)
      assert.deepEqual(said, { status: step.status, output: step.output }, step.command.join(' '))
      const file = join(folder, 'object.ring.gz')
      const ring = existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : null
      assert.equal(ring, step.ring, step.command.join(' '))
    }
  }
})

test('a ring of version 2 is read', () => {
  const ring = new Ring(readRing(readFileSync(join(data, 'version-2.ring.gz'))))
  assert.equal(ring.data.version, 7)
  assert.deepEqual(
    [0, 1, 2, 3].map((part) => ring.primaries(part).map(({ id }) => id)),
    [[0, 1], [1, 2], [2], [0]],
  )
})

test('handoffs are all other devices, those of another region first', async (t) => {
  const folder = folderOf(t)
  const steps = stories[0]!.slice(0, 3)
  for (const { command } of steps) await run(t, folder, command)
  const ring = new Ring(readRing(readFileSync(join(folder, 'object.ring.gz'))))
  for (let part = 0; part < 2 ** (32 - ring.data.partShift); part++) {
    const primaries = ring.primaries(part)
    const handoffs = [...ring.handoffs(part)]
    const all = [...primaries, ...handoffs]
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length)
    assert.equal(all.length, new Set(ring.data.assignments.flatMap((row) => [...row])).size)
    const regions = new Set(primaries.map(({ region }) => region))
    if (regions.size < new Set(all.map(({ region }) => region)).size) assert.ok(!regions.has(handoffs[0]!.region))
  }
})

test('a builder file is read as it was written; one that asks for more than values is refused', async (t) => {
  const folder = folderOf(t)
  for (const { command } of stories[1]!) await run(t, folder, command)
  const file = readFileSync(join(folder, 'object.builder'))
  assert.deepEqual(readBuilder(writeBuilder(readBuilder(file))), readBuilder(file))
  const hostile = Buffer.from('\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.', 'latin1')
  assert.throws(() => readBuilder(hostile), RingError)
  assert.throws(() => readBuilder(file.subarray(0, file.length - 20)), RingError)
})
