import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { createLogger } from '../../../platform/log/log.ts'
import { ConsoleGate } from '../agent/console-gate.ts'
import { serveNovncProxy } from './proxy.ts'

const silent = { warn() {} }

const banner = 'RFB 003.008\n'

/** A proxy before the agent of a host with a VNC server that says its banner and then repeats what it hears. */
async function proxyFor(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'nv-'))
  const socketPath = join(folder, 'vnc.sock')
  const connections = new Set<Socket>()
  const vnc = createServer((socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket)).on('error', () => {})
    socket.write(banner)
    socket.on('data', (data) => socket.write(data))
  })
  await new Promise<void>((resolve) => vnc.listen(socketPath, resolve))
  const good = new Set(['good'])
  const gate = new ConsoleGate({
    path: join(folder, 'console.sock'),
    log: silent,
    open: async (serverId) => (serverId === 'dead' ? Promise.reject(new Error('dead')) : createConnection(socketPath)),
  })
  const proxy = await serveNovncProxy({
    host: '127.0.0.1',
    port: 0,
    openConsole: async (token) => {
      if (!good.has(token)) return null
      const ticket = await gate.issue(token)
      return token === 'gone' ? { ...ticket, socketPath: '/nonexistent' } : ticket
    },
    log: createLogger({ name: 'test' }),
    allowedOrigins: ['console.example.org'],
  })
  t.after(async () => {
    await proxy.close()
    await gate.stop()
    vnc.close()
    for (const socket of connections) socket.destroy()
    await rm(folder, { recursive: true, force: true })
  })
  const open = (token: string, headers: Record<string, string> = {}) =>
    new WebSocket(`ws://127.0.0.1:${proxy.port}/?token=${token}`, ['binary'], { headers })
  return { port: proxy.port, good, open, connections }
}

const message = (socket: WebSocket) =>
  new Promise<string>((resolve, reject) => {
    socket.once('message', (data: Buffer) => resolve(data.toString('latin1'))).once('error', reject)
  })
const refusal = (socket: WebSocket) =>
  new Promise<string>((resolve, reject) => {
    socket.once('open', () => reject(new Error('it was opened'))).once('error', (error) => resolve(error.message))
  })

test('the holder of a token hears the banner and is heard; its end closes the other side', async (t) => {
  const { open, connections } = await proxyFor(t)
  const socket = open('good')
  assert.equal(await message(socket), banner)
  const echo = message(socket)
  socket.send(Buffer.from([1, 2, 255]))
  assert.equal(await echo, '\x01\x02\xff')
  socket.terminate()
  while (connections.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('the end of the guest closes the page', async (t) => {
  const { open, connections } = await proxyFor(t)
  const socket = open('good')
  await message(socket)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  for (const each of connections) each.destroy()
  await closed
})

test('D1: an unknown or expired token, or none, is refused', async (t) => {
  const { open, good, port } = await proxyFor(t)
  assert.match(await refusal(open('bad')), /403/)
  good.delete('good')
  assert.match(await refusal(open('good')), /403/)
  assert.match(await refusal(new WebSocket(`ws://127.0.0.1:${port}/`)), /403/)
})

test('the token may come as the cookie that nova knows', async (t) => {
  const { port, good } = await proxyFor(t)
  good.add('a_B-9')
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { Cookie: 'x=1; token=a_B-9' } })
  assert.equal(await message(socket), banner)
  socket.terminate()
})

test('D2: pages of other sites cannot use a console, whatever Host they name', async (t) => {
  const { open } = await proxyFor(t)
  assert.match(await refusal(open('good', { Origin: 'http://evil.example' })), /403/)
  assert.match(await refusal(open('good', { Origin: 'http://evil.example', Host: 'evil.example' })), /403/)
  assert.match(await refusal(open('good', { Origin: 'null' })), /403/)
  const allowed = open('good', { Origin: 'https://console.example.org' })
  assert.equal(await message(allowed), banner)
  allowed.terminate()
})

test('D2: thousands of requests with names of their own teach the proxy none', async (t) => {
  const { port, open } = await proxyFor(t)
  const ask = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const upgrade = {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'x',
      }
      request({ port, path: '/?token=good', agent: false, headers: { ...upgrade, ...headers } }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
        .on('error', reject)
        .end()
    })
  for (let round = 0; round < 40; round++) {
    const names = Array.from({ length: 50 }, (_, index) => `h${round}-${index}.evil.example`)
    const answers = await Promise.all(names.map((name) => ask({ Host: name, Origin: `http://${name}` })))
    assert.ok(answers.every((status) => status === 403))
  }
  assert.match(await refusal(open('good', { Origin: 'http://h0-0.evil.example', Host: 'h0-0.evil.example' })), /403/)
})

test('a console that cannot be reached is an error, not a silent page', async (t) => {
  const { open, good } = await proxyFor(t)
  for (const token of ['dead', 'gone']) {
    good.add(token)
    assert.match(await refusal(open(token)), /500/)
  }
})

test('D3: the page and its modules are served, and nothing else', async (t) => {
  const { port } = await proxyFor(t)
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  const page = await get('/vnc_lite.html?path=%3Ftoken%3Dx')
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-security-policy') ?? '', /frame-ancestors 'self'/)
  assert.equal((await get('/core/rfb.js')).status, 200)
  assert.equal((await get('/core/../package.json')).status, 404)
  assert.equal((await get('/core/%2e%2e/package.json')).status, 404)
  assert.equal((await get('/')).status, 404)
})
