import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

test('who started a process may go while it is being told something', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-tell-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [program, gone] = [join(folder, 'child.mjs'), join(folder, 'gone')]
  // It speaks again before it can hear that its parent has gone.
  writeFileSync(
    program,
    `import { existsSync } from 'node:fs'
     import { tellParent } from ${JSON.stringify(join(import.meta.dirname, 'tell-parent.ts'))}
     tellParent({ ready: true })
     while (!existsSync(${JSON.stringify(gone)})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
     if (!process.connected) process.exit(2)
     tellParent({ more: true })
     setTimeout(() => undefined, 200)`,
  )
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
  let said = ''
  child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await once(child, 'message')
  child.disconnect()
  writeFileSync(gone, '')
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 0, said)
})
