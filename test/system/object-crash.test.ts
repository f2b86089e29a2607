/** kill -9 while objects are written: what was acknowledged is there, and nothing is served in part. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const rounds = 2
const writers = 8

async function start(folder: string): Promise<{ child: ChildProcess; base: string }> {
  const program = join(import.meta.dirname, 'object-process.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  return { child, base: `http://127.0.0.1:${line.toString().trim()}/v1/AUTH_demo` }
}

const headers = { 'X-Auth-Token': 'demo' }
/** Content that names itself, of a size of its own. */
const contentOf = (name: string): Buffer => Buffer.alloc(1000 + (Number(name.split('-')[1]) % 7) * 90_000, `${name} `)

test(
  'an acknowledged object survives kill -9 of its server, whatever is being written',
  { timeout: 120_000 },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'nephos-object-crash-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const acknowledged = new Set<string>()
    const tried = new Set<string>()
    for (let round = 0; round < rounds; round++) {
      const { child, base } = await start(folder)
      const exited = once(child, 'exit')
      if (round === 0) assert.equal((await fetch(`${base}/c`, { method: 'PUT', headers })).status, 201)
      let isAlive = true
      let done = 0
      const write = async (writer: number) => {
        for (let at = writer; isAlive; at += writers) {
          const name = `r${round}-${at}`
          tried.add(name)
          const answer = await fetch(`${base}/c/${name}`, { method: 'PUT', headers, body: contentOf(name) }).catch(
            () => undefined,
          )
          if (answer?.status !== 201) continue
          acknowledged.add(name)
          // In the midst of the others' writing.
          if (++done === 25 + round * 13) {
            isAlive = false
            child.kill('SIGKILL')
          }
        }
      }
      await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
      await exited
    }
    const { child, base } = await start(folder)
    t.after(() => child.kill('SIGKILL'))
    assert.ok(acknowledged.size >= 25 * rounds)
    for (const name of tried) {
      const answer = await fetch(`${base}/c/${name}`, { headers })
      const content = Buffer.from(await answer.arrayBuffer())
      if (answer.status === 404) assert.ok(!acknowledged.has(name), `${name} was acknowledged and is gone`)
      else
        assert.ok(
          answer.status === 200 && content.equals(contentOf(name)),
          `${name}: ${answer.status}, ${content.length} bytes`,
        )
    }
    const listed = new Set((await (await fetch(`${base}/c`, { headers })).text()).split('\n'))
    for (const name of acknowledged) assert.ok(listed.has(name), `${name} is not listed`)
  },
)
