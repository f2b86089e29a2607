import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, mkdtempSync, rmSync, writeFileSync, type ReadStream } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createLogger } from '../log/log.ts'
import type { App } from './app.ts'
import { serve, type HttpServer } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'nephos-server-'))
const file = join(folder, 'file')
const bytes = randomBytes(20 << 20)
let source: ReadStream
let server: HttpServer

const app: App = {
  type: 'files',
  baseUrl: '',
  dispatch: () => {
    source = createReadStream(file, { highWaterMark: 1 << 18 })
    const headers = { 'Content-Length': String(bytes.length) }
    return Promise.resolve({ status: 200, headers, body: source, route: '/', requestId: '' })
  },
}

before(async () => {
  writeFileSync(file, bytes)
  server = await serve(app, { host: '127.0.0.1', port: 0, log: createLogger({ name: 'test', level: 'silent' }) })
})

after(async () => {
  await server.close(10)
  rmSync(folder, { recursive: true })
})

async function open(): Promise<IncomingMessage> {
  const [answer] = (await once(get({ host: '127.0.0.1', port: server.port }), 'response')) as [IncomingMessage]
  return answer
}

test('a file arrives as it is, also at a client that stops to read now and then', async () => {
  const parts: Buffer[] = []
  for await (const part of (await open()) as AsyncIterable<Buffer>) {
    parts.push(part)
    if (parts.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.ok(Buffer.concat(parts).equals(bytes))
})

test('a client that goes in the middle leaves no file open', async () => {
  const answer = await open()
  await once(answer, 'data')
  answer.destroy()
  if (!source.closed) await new Promise<void>((resolve) => source.once('close', () => resolve()))
  assert.ok(source.bytesRead < bytes.length)
})
