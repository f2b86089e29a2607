import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Supervised } from './supervisor.ts'

const roles = join(import.meta.dirname, '../deployment/role-board.ts')
const everyMs = 50

/** A process that beats and does as it is told by its arguments. */
function supervise(t: TestContext, body: string) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-supervisor-'))
  const file = join(folder, 'child.mjs')
  writeFileSync(file, `import { beat, tell } from ${JSON.stringify(roles)}\nbeat(${everyMs})\n${body}`)
  const deaths: string[] = []
  let ready = 0
  const child = new Supervised({
    name: 'child',
    file,
    args: [],
    patience: { everyMs, missing: 20, missingAtStart: 100 },
    onMessage: (message) => void (message.type === 'ready' && ready++),
    onDeath: (reason) => void deaths.push(reason),
  })
  t.after(async () => (await child.stop(0), rmSync(folder, { recursive: true })))
  return { child, deaths, ready: () => ready }
}

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const lives = "tell({ type: 'ready' })\nsetInterval(() => undefined, 1000)\n"

test('a process that is stopped is ended and started again', async (t) => {
  const { child, deaths, ready } = supervise(t, lives)
  await until(() => ready() === 1)
  const first = child.pid!
  process.kill(first, 'SIGSTOP')
  await until(() => ready() === 2)
  assert.notEqual(child.pid, first)
  assert.deepEqual(deaths, ['its main loop stood still'])
})

test('a process whose main loop is in an endless loop is ended, at its start too', async (t) => {
  const { deaths, ready } = supervise(t, "tell({ type: 'ready' })\nsetTimeout(() => { for (;;); }, 100)\n")
  await until(() => ready() === 2)
  assert.deepEqual(deaths, ['its main loop stood still'])
  const early = supervise(t, 'for (;;);\n')
  await until(() => early.deaths.length === 1)
  assert.deepEqual(early.deaths, ['its main loop stood still'])
})

test('a supervisor that stood still itself, or whose clock jumps, ends nobody', async (t) => {
  const { child, deaths, ready } = supervise(t, lives)
  await until(() => ready() === 1)
  const first = child.pid!
  for (let count = 0; count < 2; count++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, everyMs * 40)
    await new Promise((resolve) => setTimeout(resolve, everyMs * 5))
  }
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 7_200_000 })
  await new Promise((resolve) => setTimeout(resolve, everyMs * 5))
  assert.equal(child.pid, first)
  assert.deepEqual(deaths, [])
})

test('a process that ends is told with its reason', async (t) => {
  const { deaths } = supervise(t, "setTimeout(() => { throw new Error('out of luck') }, 10)\n")
  await until(() => deaths.length >= 2)
  assert.match(deaths[0]!, /out of luck/)
})
