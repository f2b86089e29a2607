import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { TimedOut } from '../base/wait.ts'
import { QmpDisconnected, QmpError, connectQmp } from './qmp.ts'

type Request = { execute: string; id: number }

/** A QEMU that answers as told. */
async function fakeQemu(t: TestContext, answer: (socket: Socket, request: Request) => void): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'nephos-qmp-'))
  const path = join(dir, 'sock')
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('{"QMP": {"version": {}}}\r\n')
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const request = JSON.parse(line) as Request
        if (request.execute === 'qmp_capabilities') socket.write(`{"return": {}, "id": ${request.id}}\r\n`)
        else answer(socket, request)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(async () => {
    server.close()
    await rm(dir, { recursive: true })
  })
  return path
}

test('replies find their command, also out of order and in pieces', async (t) => {
  const ids: number[] = []
  const path = await fakeQemu(t, (socket, { id }) => {
    ids.push(id)
    if (ids.length < 2) return
    const text = `{"return": "second", "id": ${ids[1]}}\r\n{"return": "first", "id": ${ids[0]}}\r\n`
    socket.write(text.slice(0, 20))
    setTimeout(() => socket.write(text.slice(20)), 5)
  })
  const qmp = await connectQmp(path)
  t.after(() => qmp.close())
  assert.deepEqual(await Promise.all([qmp.execute('a'), qmp.execute('b')]), ['first', 'second'])
})

test('a refused command is a QmpError', async (t) => {
  const path = await fakeQemu(t, (socket, { id }) =>
    socket.write(`{"error": {"class": "DeviceNotFound", "desc": "no vd9"}, "id": ${id}}\r\n`),
  )
  const qmp = await connectQmp(path)
  t.after(() => qmp.close())
  await assert.rejects(
    qmp.execute('device_del'),
    (error) => error instanceof QmpError && error.qmpClass === 'DeviceNotFound',
  )
})

test('events are told and can be waited for', async (t) => {
  const path = await fakeQemu(t, (socket, { id }) =>
    socket.write(
      `{"return": {}, "id": ${id}}\r\n{"event": "STOP", "timestamp": {"seconds": 7}}\r\n` +
        `{"event": "DEVICE_DELETED", "data": {"device": "vd1"}, "timestamp": {"seconds": 8}}\r\n`,
    ),
  )
  const qmp = await connectQmp(path)
  t.after(() => qmp.close())
  const deleted = qmp.waitForEvent(({ name, data }) => name === 'DEVICE_DELETED' && data['device'] === 'vd1')
  await qmp.execute('device_del')
  assert.equal((await deleted).seconds, 8)
})

test('silence is a timeout, and the connection stays usable', async (t) => {
  const path = await fakeQemu(t, (socket, { execute, id }) => {
    if (execute === 'answer') socket.write(`{"return": 1, "id": ${id}}\r\n`)
  })
  const qmp = await connectQmp(path)
  t.after(() => qmp.close())
  await assert.rejects(qmp.execute('silence', {}, { timeoutMs: 20 }), TimedOut)
  assert.equal(await qmp.execute('answer'), 1)
})

test('an end of the connection fails what is waiting and what comes after', async (t) => {
  const path = await fakeQemu(t, (socket) => socket.destroy())
  const qmp = await connectQmp(path)
  await assert.rejects(qmp.execute('a'), QmpDisconnected)
  await assert.rejects(qmp.execute('b'), QmpDisconnected)
  assert.equal(qmp.isConnected, false)
})

test('a message that never ends is not kept', async (t) => {
  const path = await fakeQemu(t, (socket) => {
    const piece = 'x'.repeat(1024 * 1024)
    for (let count = 0; count < 10; count++) socket.write(piece)
  })
  const qmp = await connectQmp(path)
  await assert.rejects(qmp.execute('a'), /too long/)
})

test('a peer that does not speak QMP is a disconnect', async (t) => {
  const path = await fakeQemu(t, (socket) => socket.write('hello\n'))
  const qmp = await connectQmp(path)
  await assert.rejects(qmp.execute('a'), QmpDisconnected)
})

test('no socket is a disconnect', async () => {
  await assert.rejects(connectQmp('/nonexistent/sock'), QmpDisconnected)
})
