import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Type } from 'typebox'
import { Secret } from '../auth/secret.ts'
import { defineContract, rpcClient, rpcServe, RpcError } from './contract.ts'
import { LocalBus } from './local-bus.ts'
import { serveBus, SocketBus } from './socket-bus.ts'

const contract = defineContract({
  topic: 'things',
  version: '1.0',
  methods: {
    echo: {
      args: Type.Object({ text: Type.String() }),
      reply: Type.Object({ text: Type.String(), from: Type.String() }),
    },
    poke: { args: Type.Object({}) },
  },
})

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('P4: calls in one process are copied and checked', async () => {
  const bus = new LocalBus('here')
  const stop = rpcServe(bus, contract, 'h1', {
    echo: async ({ text }, { host }) => ({ text, from: host }),
    poke: async () => undefined,
  })
  const client = rpcClient(bus, contract)
  assert.deepEqual(await client.echo('h1', { text: 'x' }), { text: 'x', from: 'here' })
  assert.deepEqual(await rpcClient(bus.forHost('other'), contract).echo(null, { text: 'x' }), {
    text: 'x',
    from: 'other',
  })
  await assert.rejects(client.echo('h1', { text: 5 as never }), /is not of type/)
  await assert.rejects(
    client.echo('h2', { text: 'x' }),
    (error) => error instanceof RpcError && error.kind === 'NoServer',
  )
  stop()
  await assert.rejects(client.echo('h1', { text: 'x' }))
})

test('P3: agents join through a socket, are who they proved to be, and come back by themselves', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-bus-'))
  const path = join(folder, 'bus.sock')
  const key = new Secret('key')
  let bus = new LocalBus('control')
  let server = await serveBus(bus, path, key)
  const agent = new SocketBus(path, 'h1', key)
  t.after(async () => (agent.close(), await server.close(), rmSync(folder, { recursive: true })))
  assert.equal(statSync(path).mode & 0o777, 0o600)
  rpcServe(agent, contract, 'h1', { echo: async ({ text }) => ({ text, from: 'agent' }), poke: async () => undefined })
  await until(() => bus.serves('things', 'h1'))
  assert.deepEqual(await rpcClient(bus, contract).echo('h1', { text: 'down' }), { text: 'down', from: 'agent' })

  bus.serve('control-things', 'control', async (_method, args, caller) => ({ args, from: caller.host }))
  assert.deepEqual(await agent.call('control-things', null, 'any', { host: 'h2' }), {
    args: { host: 'h2' },
    from: 'h1',
  })

  await server.close()
  await until(() => !agent.connected)
  await assert.rejects(agent.call('control-things', null, 'any', {}), /not there/)
  bus = new LocalBus('control')
  server = await serveBus(bus, path, key)
  await until(() => bus.serves('things', 'h1'))
  assert.equal((await rpcClient(bus, contract).echo('h1', { text: 'again' })).text, 'again')
})

test('P3: a process without the key gets nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-bus-'))
  const path = join(folder, 'bus.sock')
  const bus = new LocalBus('control')
  const server = await serveBus(bus, path, new Secret('key'))
  const thief = new SocketBus(path, 'h1', new Secret('guess'))
  t.after(async () => (thief.close(), await server.close(), rmSync(folder, { recursive: true })))
  await until(() => thief.connected)
  await assert.rejects(thief.call('control-things', null, 'any', {}, { timeoutMs: 200 }))
  assert.equal(bus.serves('things', 'h1'), false)
})

test('P3, P4: what is no frame, comes before the key, or speaks for another host ends the connection', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-bus-'))
  const path = join(folder, 'bus.sock')
  const bus = new LocalBus('control')
  let calls = 0
  bus.serve('control-things', 'control', async () => ++calls)
  const server = await serveBus(bus, path, new Secret('key'))
  t.after(async () => (await server.close(), rmSync(folder, { recursive: true })))
  const hello = { type: 'hello', host: 'h1', key: 'key' }
  const call = { type: 'call', id: 1, topic: 'control-things', host: null, method: 'any', args: {}, requestId: null }
  const ends = (...frames: (object | string)[]) =>
    new Promise<void>((resolve, reject) => {
      const socket = createConnection(path)
      socket.on('close', () => resolve()).on('error', () => undefined)
      socket.on('data', (data) => reject(new Error(`answered ${data.toString()}`)))
      for (const frame of frames) socket.write(`${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n`)
    })
  await ends('not JSON')
  await ends('null')
  await ends(call)
  await ends({ type: 'hello', host: 'h1' }, call)
  await ends({ ...hello, key: ['key'] }, call)
  await ends({ ...hello, key: 'kex' }, call)
  await ends(hello, { type: 'serve', topic: 'things', host: 'h2' })
  await ends(hello, '{"type":')
  assert.equal(calls, 0)
  assert.equal(bus.serves('things', 'h2'), false)
})
