import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, mkdtempSync, ReadStream, rmSync, writeFileSync } from 'node:fs'
import { open as openFile, type FileHandle } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { FileSource } from '../../base/file-source.ts'
import { createLogger } from '../log/log.ts'
import type { App } from './app.ts'
import { serve, type HttpServer } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'nephos-server-'))
const file = join(folder, 'file')
const bytes = randomBytes(20 << 20)
let source: Readable
let openSource: () => Promise<Readable>
let server: HttpServer

const app: App = {
  type: 'files',
  baseUrl: '',
  async dispatch() {
    source = await openSource()
    const headers = { 'Content-Length': String(bytes.length) }
    return { status: 200, headers, body: source, route: '/', requestId: '' }
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

const sources: Record<string, () => Promise<Readable>> = {
  'a stream of a file': () => Promise.resolve(createReadStream(file, { highWaterMark: 1 << 18 })),
  'blocks of a file': async () => new FileSource(await openFile(file)),
}

for (const [name, how] of Object.entries(sources)) {
  test(`${name}: it arrives as it is, also at a client that stops to read now and then`, async () => {
    openSource = how
    const parts: Buffer[] = []
    for await (const part of (await open()) as AsyncIterable<Buffer>) {
      parts.push(part)
      if (parts.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.ok(Buffer.concat(parts).equals(bytes))
  })

  test(`${name}: a client that goes in the middle leaves no file open`, async () => {
    openSource = how
    const answer = await open()
    await once(answer, 'data')
    answer.destroy()
    if (!source.closed) await new Promise<void>((resolve) => source.once('close', () => resolve()))
    if (source instanceof ReadStream) assert.ok(source.bytesRead < bytes.length)
  })
}

test('P16: a client that goes while the file is being read ends nothing but its own answer', async () => {
  const handle = await openFile(file)
  const read = handle.read.bind(handle)
  let isAsked: () => void = () => undefined
  const asked = new Promise<void>((resolve) => (isAsked = resolve))
  let isGone: () => void = () => undefined
  const gone = new Promise<void>((resolve) => (isGone = resolve))
  let reads = 0
  // The second block comes from a slow disk.
  const slow = async (buffer: Buffer, offset: number, length: number, position: number) => {
    if (++reads > 1) await (isAsked(), gone)
    return read(buffer, offset, length, position)
  }
  openSource = () =>
    Promise.resolve(new FileSource(new Proxy(handle, { get: (of, key) => (key === 'read' ? slow : bound(of, key)) })))
  const answer = await open()
  await Promise.all([asked, once(answer, 'data')])
  const closed = new Promise<void>((resolve) => source.once('close', () => resolve()))
  answer.destroy()
  await closed
  isGone()
  openSource = sources['blocks of a file']!
  const next = await open()
  next.destroy()
  assert.equal(next.statusCode, 200)
})

/** A property as the object itself has it: methods of a file know no proxy. */
function bound(of: FileHandle, key: string | symbol): unknown {
  const value: unknown = Reflect.get(of, key)
  return typeof value === 'function' ? value.bind(of) : value
}
