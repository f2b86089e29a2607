import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectToSocket } from './unix-socket.ts'

test('P2: a socket is connected to; links, files and nothing are errors of the connection', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'us-'))
  const server = createServer((socket) => socket.end('hello')).listen(join(folder, 'socket'))
  t.after(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })
  await once(server, 'listening')
  symlinkSync(join(folder, 'socket'), join(folder, 'link'))
  writeFileSync(join(folder, 'file'), '')
  assert.equal(String((await once(connectToSocket(join(folder, 'socket')), 'data'))[0]), 'hello')
  for (const [name, reason] of [
    ['link', /no socket/],
    ['file', /no socket/],
    ['missing', /ENOENT/],
  ] as const)
    await assert.rejects(once(connectToSocket(join(folder, name)), 'connect'), reason)
})
