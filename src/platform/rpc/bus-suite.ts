/** What every bus does, whatever carries its messages. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { defineContract, rpcClient, rpcServe, RpcError, type Bus } from './contract.ts'

/** The two ends of a bus: the control process and the agent of host `h1`. */
export interface BusEnds {
  control: Bus
  agent: Bus
  /** Resolves when messages to what the agent serves arrive. */
  settled(topic: string): Promise<void>
  close(): Promise<void> | void
}

/** Methods of any kind that tests call. */
export const thingsContract = defineContract({
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

/** Texts that some way of carrying them would cut, end or change. */
const texts = {
  'separators of lines': 'a\u2028b\u2029c\r\n\n\u0085d',
  'control characters': Array.from({ length: 160 }, (_, code) => String.fromCharCode(code)).join(''),
  'directions and joiners': '\u202e\u2066\u200d\ufeff',
  'half of a pair': 'x\ud800y\udfff',
  'many bytes': '💥é'.repeat(300_000),
  'what looks like a message': '{"kind":"reply","id":1}\n\0\0\0\u0001',
  nothing: '',
}

/** Runs the suite on the bus that `open` makes. */
export function busSuite(name: string, open: () => Promise<BusEnds>): void {
  const opened = async (t: { after(work: () => unknown): void }) => {
    const ends = await open()
    t.after(() => ends.close())
    return ends
  }

  test(`P4: ${name}: calls reach who serves, know their caller and are checked`, async (t) => {
    const { control, agent, settled } = await opened(t)
    rpcServe(agent, thingsContract, 'h1', {
      echo: async ({ text }) => ({ text, from: 'agent' }),
      poke: async () => undefined,
    })
    await settled('things')
    const client = rpcClient(control, thingsContract)
    assert.deepEqual(await client.echo('h1', { text: 'x' }), { text: 'x', from: 'agent' })
    await assert.rejects(control.call('things', 'h1', 'echo', { text: 5 }), /is not of type/)
    await assert.rejects(control.call('things', 'h1', 'toString', {}), /has no method/)
    const isNoServer = (error: unknown) => error instanceof RpcError && error.kind === 'NoServer'
    await assert.rejects(client.echo('h2', { text: 'x' }), isNoServer)
    control.serve('control-things', 'control', async (method, args, caller) => ({ method, args, caller }))
    assert.deepEqual(await agent.call('control-things', null, 'any', { host: 'h2' }, { requestId: 'req-1' }), {
      method: 'any',
      args: { host: 'h2' },
      caller: { host: 'h1', requestId: 'req-1' },
    })
  })

  test(`P3: ${name}: every text arrives as it was sent, there and back`, async (t) => {
    const { control, agent, settled } = await opened(t)
    agent.serve('mirror', 'h1', async (_method, args) => args)
    control.serve('control-mirror', 'control', async (_method, args) => args)
    await settled('mirror')
    for (const [what, text] of Object.entries(texts)) {
      const value = { text, [text]: [text] }
      for (const there of [
        control.call('mirror', 'h1', 'any', value),
        agent.call('control-mirror', null, 'any', value),
      ])
        assert.deepEqual(await there, value, what)
    }
  })

  test(`P3: ${name}: what cannot be sent fails its own call and no other`, async (t) => {
    const { control, agent, settled } = await opened(t)
    const isHeld = Promise.withResolvers<void>()
    agent.serve('things', 'h1', async (method) => {
      if (method === 'wait') await isHeld.promise
      if (method === 'circle') return circle()
      if (method === 'throw') throw new RpcError('no\u2028!', 'Refused')
      return method
    })
    control.serve('control-things', 'control', async (method) => (method === 'circle' ? circle() : method))
    await settled('things')
    const waiting = control.call('things', 'h1', 'wait', {})
    await assert.rejects(control.call('things', 'h1', 'any', circle()))
    await assert.rejects(control.call('things', 'h1', 'circle', {}))
    await assert.rejects(agent.call('control-things', null, 'circle', {}))
    await assert.rejects(agent.call('control-things', null, 'any', circle()))
    await assert.rejects(control.call('things', 'h1', 'throw', {}), { message: 'no\u2028!', kind: 'Refused' })
    isHeld.resolve()
    assert.equal(await waiting, 'wait')
    assert.equal(await agent.call('control-things', null, 'any', {}), 'any')
  })

  test(`${name}: casts and fanouts reach the agent; nobody answers what is not served any more`, async (t) => {
    const { control, agent, settled } = await opened(t)
    const seen: string[] = []
    const all = Promise.withResolvers<void>()
    const stop = agent.serve('things', 'h1', async (method) => void (seen.push(method) === 2 && all.resolve()))
    await settled('things')
    await control.cast('things', 'h1', 'one', {})
    await control.fanout('things', 'two', {})
    await all.promise
    assert.deepEqual(seen.sort(), ['one', 'two'])
    stop()
    await assert.rejects(control.call('things', 'h1', 'three', {}), { kind: 'NoServer' })
  })
}

function circle(): object {
  const value: Record<string, unknown> = {}
  value['self'] = value
  return value
}
