import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex, PassThrough } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { joinConsole } from '../novncproxy/join-console.ts'
import { ConsoleGate, type ConsoleGateOptions } from './console-gate.ts'

/** A gate before guests that repeat what they hear. */
function gateFor(t: TestContext, options: Partial<ConsoleGateOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'cg-'))
  const path = join(folder, 'console.sock')
  const guests: Duplex[] = []
  const open = async () => {
    const guest = new PassThrough()
    guests.push(guest)
    return guest
  }
  const gate = new ConsoleGate({ path, open, log: { warn() {} }, ...options })
  t.after(async () => {
    await gate.stop()
    rmSync(folder, { recursive: true })
  })
  return { gate, guests, path }
}

const settled = (socket: Duplex, what: string) => waitFor(() => socket.destroyed, { what, timeoutMs: 10_000 })
/** What the gate makes of bytes that are no ticket: it hangs up without a word. */
async function heardBy(path: string, text: string): Promise<string> {
  const socket = createConnection(path)
  let heard = ''
  socket.on('data', (data) => (heard += data.toString())).on('error', () => {})
  socket.write(text)
  await once(socket, 'close')
  return heard
}

test('a ticket opens its console to one connection; both directions flow, and either end ends the other', async (t) => {
  const { gate, guests } = gateFor(t)
  const ticket = await gate.issue('a')
  const first = await joinConsole(ticket)
  first.write('hello')
  assert.equal(String((await once(first, 'data'))[0]), 'hello')
  await assert.rejects(joinConsole(ticket), /did not open/)
  first.destroy()
  await settled(guests[0]!, 'the end of the guest’s side')

  const second = await joinConsole(await gate.issue('a'))
  second.resume()
  guests[1]!.destroy()
  await settled(second, 'the end of the proxy’s side')
  assert.equal(guests.length, 2)
})

test('D1: nothing listens before a ticket is given, and without one nobody hears a word', async (t) => {
  const { gate, guests, path } = gateFor(t)
  assert.equal(existsSync(path), false)
  const { ticket } = await gate.issue('a')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const almost = `${ticket.slice(0, -1)}${ticket.endsWith('A') ? 'B' : 'A'}`
  for (const text of [
    almost,
    'x'.repeat(1000),
    '\0'.repeat(43),
    'GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n',
  ])
    assert.equal(await heardBy(path, text), '')
  assert.equal(guests.length, 0)
})

test('D1: a ticket that is not used soon, and a connection that does not show one, are forgotten', async (t) => {
  const { gate, path } = gateFor(t, { limits: { ticketMs: 0, helloMs: 20 } })
  await assert.rejects(joinConsole(await gate.issue('a')), /did not open/)
  assert.equal(await heardBy(path, 'half a ticket'), '')
})

test('consoles of one server and of all have a bound, and so have connections without a ticket', async (t) => {
  const { gate, path } = gateFor(t, { limits: { ofOneServer: 2, ofAll: 3, strangers: 1 } })
  const streams = [await joinConsole(await gate.issue('a')), await joinConsole(await gate.issue('a'))]
  await assert.rejects(gate.issue('a'), /too many consoles of server a/)
  const last = await gate.issue('b')
  await assert.rejects(gate.issue('c'), /too many consoles of this host/)

  const idle = createConnection(path)
  await once(idle, 'connect')
  await assert.rejects(joinConsole(last), /did not open|ECONNRESET|EPIPE/)
  idle.destroy()
  for (const each of streams) each.destroy()
  await waitFor(
    () =>
      gate.issue('a').then(
        () => true,
        () => false,
      ),
    { what: 'room for another one', timeoutMs: 10_000 },
  )
})

test('who reads slowly is waited for', async (t) => {
  const total = 64 * 1024 * 1024
  const chunk = Buffer.alloc(64 * 1024)
  let written = 0
  const guest = new Duplex({
    read() {
      written += chunk.length
      this.push(written > total ? null : chunk)
    },
    write: (_data, _encoding, done) => done(),
  })
  const { gate } = gateFor(t, { open: async () => guest })
  const socket = await joinConsole(await gate.issue('a'))
  await waitFor(() => guest.isPaused() || guest.readableFlowing === false, { what: 'a pause', timeoutMs: 10_000 })
  assert.ok(written < total / 2, `${written} bytes wait in memory`)
  let read = 0
  for await (const data of socket as AsyncIterable<Buffer>) read += data.length
  assert.equal(read, total)
})

test('a guest without a console ends the connection, and the gate goes on', async (t) => {
  let isThere = false
  const { gate } = gateFor(t, {
    open: async () => (isThere ? new PassThrough() : Promise.reject(new Error('The server has no console.'))),
  })
  await assert.rejects(joinConsole(await gate.issue('a')), /did not open/)
  isThere = true
  const socket = await joinConsole(await gate.issue('a'))
  await gate.stop()
  socket.resume()
  await settled(socket, 'the end with the agent')
})
