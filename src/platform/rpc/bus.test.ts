import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Secret } from '../auth/secret.ts'
import { busSuite, thingsContract } from './bus-suite.ts'
import { controlName, rpcClient, rpcServe, type Caller } from './contract.ts'
import { largestFrame, readFrames, writeFrame, type Frame } from './frames.ts'
import { LocalBus } from './local-bus.ts'
import { serveBus, SocketBus, type ServedBus } from './socket-bus.ts'

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** An address in a folder of its own; `lines` is what the bus tells. */
function makeAddress() {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-bus-'))
  const lines: string[] = []
  const log = { warn: (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`) }
  const keys = { key: new Secret('key'), controlKey: new Secret('control key') }
  const address: ServedBus = { path: join(folder, 'bus.sock'), ...keys, log }
  return { address, lines, remove: () => rmSync(folder, { recursive: true }) }
}

busSuite('local bus', async () => {
  const control = new LocalBus()
  return { control, agent: control.forHost('h1'), settled: async () => undefined, close: () => undefined }
})

busSuite('socket bus', async () => {
  const { address, remove } = makeAddress()
  const control = new LocalBus()
  const server = await serveBus(control, address)
  const agent = new SocketBus(address, 'h1')
  return {
    control,
    agent,
    async settled(topic) {
      await agent.whenConnected()
      await until(() => control.serves(topic, 'h1'))
    },
    close: async () => (agent.close(), await server.close(), remove()),
  }
})

test('P3: agents come back by themselves when the control process does', async (t) => {
  const { address, remove } = makeAddress()
  let bus = new LocalBus()
  let server = await serveBus(bus, address)
  const agent = new SocketBus(address, 'h1')
  t.after(async () => (agent.close(), await server.close(), remove()))
  assert.equal(statSync(address.path).mode & 0o777, 0o600)
  rpcServe(agent, thingsContract, 'h1', {
    echo: async ({ text }) => ({ text, from: 'agent' }),
    poke: async () => undefined,
  })
  await until(() => bus.serves('things', 'h1'))
  await server.close()
  await until(() => !agent.connected)
  await assert.rejects(agent.call('control-things', null, 'any', {}), /not there/)
  bus = new LocalBus()
  server = await serveBus(bus, address)
  await until(() => bus.serves('things', 'h1'))
  assert.equal((await rpcClient(bus, thingsContract).echo('h1', { text: 'again' })).text, 'again')
})

test('P3: a process without the key gets nothing', async (t) => {
  const { address, remove } = makeAddress()
  const bus = new LocalBus()
  const server = await serveBus(bus, address)
  const thief = new SocketBus({ ...address, key: new Secret('guess') }, 'h1')
  t.after(async () => (thief.close(), await server.close(), remove()))
  const asked = new Promise((resolve, reject) => {
    thief.onConnect(() => thief.call('control-things', null, 'any', {}).then(resolve, reject))
  })
  await assert.rejects(asked, { kind: 'Disconnected' })
  assert.equal(bus.serves('things', 'h1'), false)
})

/** A connection that writes what it likes. */
function connectRaw(path: string) {
  const socket = createConnection(path)
  const answers: Frame[] = []
  readFrames(socket, {
    limit: () => largestFrame,
    onFrame: (frame) => void answers.push(frame),
    onBad: (_kind, _id, reason) => assert.fail(reason),
  })
  const closed = new Promise<void>((resolve) => void socket.on('close', () => resolve()).on('error', () => undefined))
  return { socket, answers, closed }
}

const call = { topic: 'control-things', host: null, method: 'any', args: {}, requestId: null }
const head = (length: number, kind: number, id: number) => {
  const bytes = Buffer.alloc(9)
  bytes.writeUInt32BE(length, 0)
  bytes.writeUInt8(kind, 4)
  bytes.writeUInt32BE(id, 5)
  return bytes
}
const callKind = 3

async function serveThings(t: TestContext) {
  const made = makeAddress()
  const bus = new LocalBus()
  let calls = 0
  bus.serve('control-things', 'control', async () => ++calls)
  const server = await serveBus(bus, made.address)
  t.after(async () => (await server.close(), made.remove()))
  return { ...made, bus, calls: () => calls }
}

test('P3, P4: a stranger who sends anything but the key is cut off unheard', async (t) => {
  const { address, calls } = await serveThings(t)
  const hellos = [{ host: 'h1' }, { host: 'h1', key: ['key'] }, { host: 'h1', key: 'kex' }, { key: 'key' }, null]
  const attempts: ((socket: Socket) => void)[] = [
    (socket) => void socket.write(Buffer.concat([head(3, 0, 0), Buffer.from('abc')])),
    (socket) => void socket.write(head(5000, 0, 0)),
    (socket) => void socket.write(Buffer.concat([head(2, 99, 0), Buffer.from('{}')])),
    (socket) => writeFrame(socket, 'call', 1, call),
    ...hellos.map((hello) => (socket: Socket) => {
      writeFrame(socket, 'hello', 0, hello)
      writeFrame(socket, 'call', 1, call)
    }),
  ]
  for (const attempt of attempts) {
    const { socket, answers, closed } = connectRaw(address.path)
    attempt(socket)
    await closed
    assert.deepEqual(answers, [])
  }
  assert.equal(calls(), 0)
})

test('P3, P4: a message of a host that cannot be read costs that message: its caller is told, the next one is heard', async (t) => {
  const { address, bus, lines, calls } = await serveThings(t)
  const { socket, answers } = connectRaw(address.path)
  t.after(() => socket.destroy())
  writeFrame(socket, 'hello', 0, { host: 'h1', key: 'key' })
  socket.write(Buffer.concat([head(2, 99, 0), Buffer.from('{}')]))
  socket.write(Buffer.concat([head(3, callKind, 7), Buffer.from('{"a')]))
  socket.write(Buffer.concat([head(0, callKind, 8)]))
  socket.write(Buffer.concat([head(2, callKind, 9), Buffer.from([0xff, 0xfe])]))
  writeFrame(socket, 'call', 10, { topic: ['control-things'], method: 'any' })
  writeFrame(socket, 'reply', 77, 'nobody asked')
  writeFrame(socket, 'serve', 0, { topic: 'things', host: 'h2' })
  // Too large, and in pieces.
  socket.write(head(largestFrame + 1, callKind, 11))
  for (let sent = 0; sent <= largestFrame; sent += 1 << 20)
    socket.write(Buffer.alloc(Math.min(1 << 20, largestFrame + 1 - sent), 'x'))
  for (const byte of head(Buffer.byteLength(JSON.stringify(call)), callKind, 12)) socket.write(Buffer.of(byte))
  socket.write(JSON.stringify(call))
  await until(() => answers.some((answer) => answer.id === 12))
  assert.deepEqual(
    answers.map(({ kind, id }) => [kind, id]),
    [
      ['error', 7],
      ['error', 8],
      ['error', 9],
      ['error', 10],
      ['error', 11],
      ['reply', 12],
    ],
  )
  assert.match(JSON.stringify(answers[4]!.body), /too many/)
  assert.equal(calls(), 1)
  assert.equal(lines.length, 6)
  assert.equal(bus.serves('things', 'h1'), true)
  assert.equal(bus.serves('things', 'h2'), false)
})

test('P16: a message over the limit fails for who sends it; one that nobody reads is kept up to a bound', async (t) => {
  const { address, calls } = await serveThings(t)
  const agent = new SocketBus(address, 'h1')
  t.after(() => agent.close())
  await agent.whenConnected()
  const large = { text: 'x'.repeat(largestFrame) }
  await assert.rejects(agent.call('control-things', null, 'any', large), { kind: 'TooLarge' })
  assert.equal(await agent.call('control-things', null, 'any', {}), 1)
  const { socket } = connectRaw(address.path)
  t.after(() => socket.destroy())
  const half = { text: 'x'.repeat(largestFrame / 2) }
  assert.throws(
    () => {
      // In one turn, so that nothing is passed on.
      for (let count = 0; count < 10; count++) writeFrame(socket, 'fanout', 0, half)
    },
    { kind: 'Overloaded' },
  )
  assert.equal(calls(), 1)
})

test('P3: a host can neither be the control plane nor answer for it', async (t) => {
  const { address, remove } = makeAddress()
  const bus = new LocalBus()
  const server = await serveBus(bus, address)
  const thief = new SocketBus(address, controlName)
  const agent = new SocketBus(address, 'h1')
  t.after(async () => (thief.close(), agent.close(), await server.close(), remove()))
  await agent.whenConnected()
  const heard: string[] = []
  const echo =
    (who: string) =>
    async (_args: unknown, { host }: Caller) => (heard.push(host), { text: '', from: who })
  rpcServe(agent, thingsContract, 'h1', { echo: echo('host'), poke: async () => undefined })
  await until(() => bus.serves('things', 'h1'))
  await assert.rejects(rpcClient(bus, thingsContract).echo(null, { text: 'x' }), /nobody serves things/)
  const another = new SocketBus({ ...address, key: address.controlKey }, controlName)
  t.after(() => another.close())
  await another.whenConnected()
  rpcServe(another, thingsContract, 'control-1', { echo: echo('control'), poke: async () => undefined })
  await until(() => bus.serves('things', controlName))
  for (const asker of [bus, agent, another])
    assert.equal((await rpcClient(asker, thingsContract).echo(null, { text: 'x' })).from, 'control')
  assert.deepEqual(heard, [controlName, 'h1', controlName], 'each is told who asks')
  await assert.rejects(thief.call('things', null, 'echo', { text: 'x' }), /not there/)
})
