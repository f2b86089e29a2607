/** `Expect: 100-continue`: who is refused sends no body, who is not is told to go on. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createLogger } from '../log/log.ts'
import type { App } from './app.ts'
import { serve } from './server.ts'

const app: App = {
  type: 'uploads',
  baseUrl: '',
  async dispatch({ url, stream }) {
    let size = 0
    if (url === '/read') for await (const chunk of stream!) size += (chunk as Buffer).length
    return { status: url === '/read' ? 201 : 401, headers: {}, body: String(size), route: '/', requestId: '' }
  },
}

async function talk(t: TestContext, path: string): Promise<string> {
  const log = createLogger({ name: 'test', level: 'silent' })
  const server = await serve(app, { host: '127.0.0.1', port: 0, log })
  t.after(() => server.close(0))
  const socket = connect(server.port, '127.0.0.1')
  socket.write(
    `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`,
  )
  let heard = ''
  for await (const chunk of socket) {
    heard += (chunk as Buffer).toString()
    if (heard.endsWith('100 Continue\r\n\r\n')) socket.write('hello')
  }
  return heard
}

test('a request that is refused without its body is not told to send it', async (t) => {
  const heard = await talk(t, '/refused')
  assert.match(heard, /^HTTP\/1\.1 401 /)
})

test('a request whose body is read is told to send it', async (t) => {
  const heard = await talk(t, '/read')
  assert.match(heard, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 [^]*5$/)
})
