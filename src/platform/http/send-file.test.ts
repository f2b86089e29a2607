/** Files that the kernel sends: all of them, in part, one after the other on a connection, and to clients that go away. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { Agent, request, type IncomingMessage } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FileSource } from '../../base/file-source.ts'
import { openSender } from '../../base/send-file.ts'
import { waitFor } from '../../base/wait.ts'
import { createLogger } from '../log/log.ts'
import type { App } from './app.ts'
import { serve, type HttpServer } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'nephos-send-'))
const contents = Array.from({ length: 4 }, (_, at) => randomBytes((at + 1) * 3_000_001))
const fileOf = (at: number) => join(folder, `${at}`)
let server: HttpServer

/** `/N?FROM-TO`: these bytes of a file, `/N` all. */
const app: App = {
  type: 'files',
  baseUrl: '',
  async dispatch({ url }) {
    const [, at = '', from, to] = /^\/(\d)(?:\?(\d+)-(\d+))?$/.exec(url)!
    const part = from === undefined ? {} : { start: Number(from), end: Number(to) }
    const length = from === undefined ? contents[Number(at)]!.length : Number(to) - Number(from) + 1
    const body = new FileSource(await open(fileOf(Number(at))), part)
    return { status: 200, headers: { 'Content-Length': String(length) }, body, route: '/', requestId: '' }
  },
}

before(async () => {
  for (const [at, bytes] of contents.entries()) writeFileSync(fileOf(at), bytes)
  server = await serve(app, { host: '127.0.0.1', port: 0, log: createLogger({ name: 'test', level: 'silent' }) })
})
after(async () => {
  await server.close(10)
  rmSync(folder, { recursive: true })
})

async function ask(path: string, agent?: Agent): Promise<IncomingMessage> {
  const asked = request({ host: '127.0.0.1', port: server.port, path, ...(agent && { agent }) })
  asked.on('error', () => undefined).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

async function digestOf(answer: IncomingMessage, pauseEvery = Infinity): Promise<string> {
  const hash = createHash('sha256')
  let parts = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    hash.update(part)
    if (++parts % pauseEvery === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return hash.digest('hex')
}

test('files one after the other on one connection, and parts of them', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ports = new Set<number | undefined>()
  for (const at of [3, 0, 2, 1]) {
    const answer = await ask(`/${at}`, agent)
    ports.add(answer.socket.localPort)
    assert.equal(await digestOf(answer), digest(contents[at]!))
    for (const [from, to] of [
      [0, 0],
      [1, 70_000],
      [65_536, 2_999_999],
      [3_000_000, 3_000_000],
    ] as const)
      assert.equal(
        await digestOf(await ask(`/${at}?${from}-${to}`, agent)),
        digest(contents[at]!.subarray(from, to + 1)),
      )
  }
  assert.equal(ports.size, 1)
  agent.destroy()
})

test('the kernel takes what the connection takes at once, and nothing where nobody reads', async () => {
  const listening = createServer().listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  const accepted = once(listening, 'connection') as Promise<[Socket]>
  const client = connect(port, '127.0.0.1')
  const [socket] = await accepted
  const handle = await open(fileOf(0))
  const sender = openSender(socket, handle.fd)
  assert.ok(sender, 'this system has sendfile')
  let sent = 0
  for (let moved = 1; moved > 0; sent += moved) moved = await sender.move(sent, 1 << 20)
  assert.ok(sent > 0 && sent <= contents[0]!.length)
  sender.close()
  await handle.close()
  socket.end()
  assert.equal(digest(Buffer.concat((await client.toArray()) as Buffer[])), digest(contents[0]!.subarray(0, sent)))
  listening.close()
  if (!socket.closed) await once(socket, 'close')
  assert.equal(openSender(socket, 0), undefined, 'a connection that is closed')
})

test('clients that go away in the middle: others get theirs, and no descriptor stays', async () => {
  const isOurs = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
    } catch {
      return false
    }
  }
  const leave = async (at: number) => {
    const answer = await ask(`/${at}`)
    await once(answer, 'data')
    answer.destroy()
  }
  const all = Array.from({ length: 60 }, async (_, index) => {
    const at = index % 4
    if (index % 3 === 0) return leave(at)
    assert.equal(await digestOf(await ask(`/${at}`), index % 2 === 0 ? 20 : Infinity), digest(contents[at]!))
  })
  await Promise.all(all)
  await waitFor(async () => !readdirSync('/proc/self/fd').some(isOurs), {
    what: 'the files are closed',
    timeoutMs: 10_000,
  })
})
