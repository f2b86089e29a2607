import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { after, before, test } from 'node:test'
import { Secret } from '../../../platform/auth/secret.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { metadataHeaders, metadataServer, type MetadataClient } from './metadata-http.ts'

let client: MetadataClient | undefined = { deviceId: 'server-1', projectId: 'project-1' }
let received = 0
const nova = createServer((incoming, response) => {
  incoming.on('data', (chunk: Buffer) => (received += chunk.length))
  incoming.on('end', () => response.end(JSON.stringify(incoming.headers)))
  incoming.on('error', () => undefined)
})
let proxy: Server
let http: ReturnType<typeof metadataServer>

before(async () => {
  await new Promise<void>((resolve) => nova.listen(0, '127.0.0.1', resolve))
  http = metadataServer({
    metadataUrl: `http://127.0.0.1:${(nova.address() as AddressInfo).port}`,
    metadataSecret: new Secret('key'),
    log: createLogger({ name: 'test' }),
    clientOf: () => client,
    limits: { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 },
  })
  proxy = createTcpServer((socket) => http.emit('connection', socket))
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
})
after(() => {
  for (const server of [nova, proxy]) server.close()
  http.closeAllConnections()
  http.close()
  nova.closeAllConnections()
})

const port = () => (proxy.address() as AddressInfo).port
const ask = (headers: Record<string, string> = {}, body?: string) =>
  fetch(`http://127.0.0.1:${port()}/latest`, { headers, ...(body !== undefined && { method: 'POST', body }) })

test('D4: a guest cannot say who it is, in no spelling', async () => {
  const forged = {
    'X-Instance-ID': 'other',
    'X-Tenant-ID': 'other',
    'X-Instance-ID-Signature': '0',
    'X-Forwarded-For': '10.9.9.9',
    'X-Real-IP': '10.9.9.9',
    Forwarded: 'for=10.9.9.9',
    'X-Metadata-Provider': 'mine',
    'X-Auth-Token': 't',
    X_Instance_ID: 'other',
    'X-OpenStack-Request-Id': 'req-0',
    Accept: 'text/x',
  }
  const heard = (await (await ask(forged)).json()) as Record<string, string>
  const { host: _, connection: __, ...rest } = heard
  assert.equal(rest['x-instance-id'], 'server-1')
  assert.equal(rest['x-tenant-id'], 'project-1')
  assert.equal(rest['x-forwarded-for'], '127.0.0.1')
  assert.match(rest['x-instance-id-signature'] ?? '', /^[0-9a-f]{64}$/)
  assert.equal(rest['accept'], 'text/x')
  const left = Object.keys(rest).filter((name) => name.startsWith('x') || name === 'forwarded')
  assert.deepEqual(left.sort(), ['x-forwarded-for', 'x-instance-id', 'x-instance-id-signature', 'x-tenant-id'])
})

test('D4: names that look like ours are kept from nova, others are not', () => {
  const kept = metadataHeaders({ x_tenant_id: 'a', 'x-tenancy': 'b' }, '10.0.0.5', client!, 'key')
  assert.equal(kept['x_tenant_id'], undefined)
  assert.equal(kept['x-tenancy'], 'b')
})

test('D4: an address that nobody has is told nothing', async () => {
  const before = client
  client = undefined
  assert.equal((await ask()).status, 404)
  client = before
})

test('a body has its limit, told beforehand or not', async () => {
  assert.equal((await ask({}, 'x'.repeat(60_000))).status, 200)
  const sent = received
  assert.equal((await ask({}, 'x'.repeat(100_000))).status, 413)
  assert.equal(received, sent, 'nova has seen nothing of it')
  const status = await new Promise<number | string>((resolve) => {
    const chunked = request({ port: port(), method: 'POST', headers: { 'transfer-encoding': 'chunked' } }, (reply) =>
      resolve(reply.statusCode ?? 0),
    )
    chunked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    for (let part = 0; part < 20; part++) chunked.write('x'.repeat(10_000))
  })
  assert.ok([413, 'ECONNRESET', 'EPIPE'].includes(status), String(status))
})

test('one who sends half a request and waits is sent away', async () => {
  const socket = connect(port(), '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n')
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await new Promise<void>((resolve) => socket.on('close', () => resolve()))
  assert.match(text, /^HTTP\/1\.1 408/)
})
