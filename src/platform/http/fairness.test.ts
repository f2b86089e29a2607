/** What one client sends or holds open does not keep the others from their answers. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { Type } from 'typebox'
import { createLogger, type Logger } from '../log/log.ts'
import { connectionBudget, Connections } from './connections.ts'
import { jsonOf } from './json.ts'
import { routesOf } from './route.ts'
import { serve } from './server.ts'
import { testApp } from './testing.ts'

const route = routesOf<unknown>()

async function startServer(t: TestContext, handle: (name: string, socket: Socket) => Promise<void>) {
  const errors: unknown[] = []
  const nothing = () => undefined
  const log: Logger = {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (fields) => errors.push(fields),
    child: () => log,
  }
  const app = testApp({
    definition: { basePaths: [''] },
    routes: [
      route({
        method: 'GET',
        path: '/:name',
        policy: null,
        auth: 'none',
        handle: async ({ params, stream }) => {
          await handle(params.name, (stream as IncomingMessage).socket)
          return { status: 200, body: { name: params.name } }
        },
      }),
      route({
        method: 'POST',
        path: '/:name',
        policy: null,
        auth: 'none',
        body: Type.Object({ text: Type.String() }),
        handle: async ({ params, body, stream }) => {
          await handle(params.name, (stream as IncomingMessage).socket)
          return { status: 200, body }
        },
      }),
    ],
    deps: {},
    log,
  })
  const server = await serve(app, { host: '127.0.0.1', port: 0, log: createLogger({ name: 'test' }) })
  t.after(() => server.close(10))
  return { port: server.port, errors }
}

/** A connection that gathers what comes. */
function open(t: TestContext, port: number) {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('error', () => undefined)
  socket.on('data', (data) => (text += data.toString()))
  t.after(() => socket.destroy())
  const closed = new Promise<void>((resolve) => void socket.on('close', () => resolve()))
  return { socket, text: () => text, closed }
}

const answersIn = (text: string) => text.match(/HTTP\/1\.1 \d+/g)?.length ?? 0
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('P16: pipelined requests are done one by one and let others in; thousands end their connection', async (t) => {
  const seen: string[] = []
  let atOnce = 0
  let most = 0
  const { port } = await startServer(t, async (name) => {
    seen.push(name)
    most = Math.max(most, name === 'other' ? 0 : ++atOnce)
    await new Promise((resolve) => setImmediate(resolve))
    if (name !== 'other') atOnce--
  })
  const request = (name: string) => `GET /${name} HTTP/1.1\r\nHost: x\r\n\r\n`
  const some = open(t, port)
  some.socket.write(request('some').repeat(100))
  await until(() => seen.length > 0)
  const other = open(t, port)
  other.socket.write(request('other'))
  await until(() => answersIn(some.text()) === 100)
  assert.equal(most, 1)
  assert.ok(seen.includes('other') && seen.indexOf('other') < 100, `it was number ${seen.indexOf('other')}`)

  seen.length = 0
  const flood = open(t, port)
  flood.socket.write(request('flood').repeat(20_000))
  await flood.closed
  other.socket.write(request('other'))
  await until(() => answersIn(other.text()) === 2)
  assert.ok(seen.filter((name) => name === 'flood').length <= 101)
})

test('pipelined requests with bodies are answered in order, also when they come in pieces', async (t) => {
  const { port } = await startServer(t, async () => undefined)
  const { socket, text } = open(t, port)
  const bodyOf = (index: number) => JSON.stringify({ text: `${index}${'x'.repeat(index * 37)}` })
  const all = Array.from({ length: 60 }, (_, index) => {
    const body = bodyOf(index)
    const post = `POST /p HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    return index % 3 === 0 ? `GET /g${index} HTTP/1.1\r\nHost: x\r\n\r\n` : post
  }).join('')
  for (let at = 0; at < all.length; at += 1000) {
    socket.write(all.slice(at, at + 1000))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => answersIn(text()) === 60)
  const order = [...text().matchAll(/\{"(?:name":"g|text":")(\d+)/g)].map(([, index]) => Number(index))
  assert.deepEqual(
    order,
    Array.from({ length: 60 }, (_, index) => index),
  )
})

test('P5: a body that does not come is told 408, one that breaks off is nothing for the log', async (t) => {
  const { port, errors } = await startServer(t, async () => undefined)
  const head = 'POST /p HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n'
  const cut = open(t, port)
  cut.socket.write(`${head}{"te`)
  await until(() => cut.socket.bytesWritten > 0)
  cut.socket.destroy()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const slow = open(t, port)
  slow.socket.write(`${head}{"te`)
  while (!slow.socket.closed) {
    await new Promise((resolve) => setImmediate(resolve))
    t.mock.timers.tick(1000)
  }
  assert.match(slow.text(), /^HTTP\/1\.1 408 [^]*Connection: close[^]*"message":"The body did not arrive/i)
  assert.deepEqual(errors, [])
})

test('P5: a body that grows beyond the limit is told 413 before it ends', async (t) => {
  const { port } = await startServer(t, async () => undefined)
  const { socket, text, closed } = open(t, port)
  socket.write('POST /p HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n')
  const part = 'x'.repeat(1000)
  for (let count = 0; count < 120; count++) socket.write(`${part.length.toString(16)}\r\n${part}\r\n`)
  await closed
  assert.match(text(), /^HTTP\/1\.1 413 /)
})

test('P16: idle connections are given up for new ones, oldest first; those that are worked for are not', async (t) => {
  const connections = new Connections(10)
  const held = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    void (request.url === '/held' ? held.promise : Promise.resolve()).then(() => response.end('ok'))
  })
  connections.watch(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => (server.close(), server.closeAllConnections()))
  const { port } = server.address() as AddressInfo
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  const next = async (path?: string) => {
    const count = connections.count
    const made = open(t, port)
    await new Promise((resolve) => made.socket.once('connect', resolve))
    if (path !== undefined) made.socket.write(get(path))
    await until(() => connections.count > count || connections.count === 10)
    return made
  }
  const busy = [await next('/held'), await next('/held')]
  const idle: Awaited<ReturnType<typeof next>>[] = []
  for (let count = 0; count < 8; count++) idle.push(await next())
  // The first one is used: now the second is the oldest.
  idle[0]!.socket.write(get('/'))
  await until(() => answersIn(idle[0]!.text()) === 1)
  const late = open(t, port)
  late.socket.write(get('/'))
  await until(() => answersIn(late.text()) === 1)
  await idle[1]!.closed
  assert.equal(idle[0]!.socket.destroyed, false)
  for (let count = 0; count < 150; count++) {
    const one = open(t, port)
    await new Promise((resolve) => one.socket.once('connect', resolve))
  }
  assert.ok(connections.count <= 10)
  const last = open(t, port)
  last.socket.write(get('/'))
  await until(() => answersIn(last.text()) === 1)
  held.resolve()
  for (const each of busy) await until(() => answersIn(each.text()) === 1)
})

test('P16: when all are worked for, a new connection is told to come back', async (t) => {
  const connections = new Connections(2)
  const held = Promise.withResolvers<void>()
  let working = 0
  const server = createServer((_request, response) => {
    working++
    void held.promise.then(() => response.end('ok'))
  })
  connections.watch(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => (server.close(), server.closeAllConnections()))
  const { port } = server.address() as AddressInfo
  const busy = [open(t, port), open(t, port)]
  for (const { socket } of busy) socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => working === 2)
  const late = open(t, port)
  await late.closed
  assert.match(late.text(), /^HTTP\/1\.1 503 /)
  held.resolve()
  for (const each of busy) await until(() => answersIn(each.text()) === 1)
})

test('the budget of connections leaves files for everything else', () => {
  assert.equal(connectionBudget(128), 28)
  assert.equal(connectionBudget(64), 16)
  assert.equal(connectionBudget(1024), 768)
  assert.equal(connectionBudget(Infinity), 4000)
})

test('long lists are the same JSON as in one go, with turns of others in between', async () => {
  const items = Array.from({ length: 5000 }, (_, index) => ({ index, text: `é${index}`, nothing: undefined }))
  const body = { links: [1, 2], items, skipped: undefined, when: new Date(0), list: [...items, undefined, null, 5] }
  let turns = 0
  let isOver = false
  const count = () => void (turns++, isOver || setImmediate(count))
  setImmediate(count)
  const text = await jsonOf(body)
  isOver = true
  assert.equal(text, JSON.stringify(body))
  assert.ok(turns > 5)
  for (const value of [items, null, 'x', 5, {}, { toJSON: () => ({ items }) }, new Map()])
    assert.equal(await jsonOf(value), JSON.stringify(value))
})
