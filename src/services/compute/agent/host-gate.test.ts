import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { waitFor } from '../../../base/wait.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { rpcServe, type RpcHandlers } from '../../../platform/rpc/contract.ts'
import { LocalBus } from '../../../platform/rpc/local-bus.ts'
import { conductorContract } from '../rpc/conductor.ts'
import { copyOf, identityFile, passGate } from './host-gate.ts'

type Handlers = RpcHandlers<typeof conductorContract>
type Introduction = Parameters<Handlers['registerHost']>[0]['agent']

/** A state directory, and a conductor that says of each agent what it is told to. */
async function scene(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'ng-'))
  t.after(() => rm(folder, { recursive: true }))
  const bus = new LocalBus()
  const seen: Introduction[] = []
  const state = { obstacle: null as string | null }
  const unused = () => Promise.reject(new Error('unused'))
  rpcServe(bus, conductorContract, 'control', {
    async registerHost({ agent }) {
      seen.push(agent)
      return { cloudId: 'cloud', obstacle: state.obstacle }
    },
    pullServers: unused,
    reportServers: unused,
    reportHost: unused,
  })
  const told: string[] = []
  const gone = new AbortController()
  t.after(() => gone.abort())
  const pass = (stateDir = join(folder, 'state'), host = 'h', on = bus) =>
    passGate(
      {
        host,
        bus: on.forHost(host),
        stateDir,
        log: createLogger({ name: 'test', level: 'silent' }),
        countGuests: async () => 2,
        onObstacle: (obstacle) => told.push(obstacle),
        onSilence: (_error, isSame) => told.push(`silence, ${isSame ? 'same' : 'another'} name`),
      },
      gone.signal,
    )
  return { folder, seen, state, told, pass }
}

test('an agent keeps its id and the control plane that it works for', async (t) => {
  const { seen, pass, folder } = await scene(t)
  const [one, two] = [await pass(), await pass()]
  assert.notEqual(one, two, 'each process has a session of its own')
  assert.deepEqual(
    seen.map(({ cloudId, guests, session }) => [cloudId, guests, session]),
    [
      [null, 2, one],
      ['cloud', 2, two],
    ],
  )
  assert.equal(seen[0]!.id, seen[1]!.id)
  assert.equal((JSON.parse(await readFile(identityFile(join(folder, 'state')), 'utf8')) as { host: string }).host, 'h')
})

test('it waits while something is in its way, tells that once, and goes on when it is over', async (t) => {
  const { seen, state, told, pass } = await scene(t)
  state.obstacle = 'possible rename'
  const passed = pass()
  await waitFor(() => seen.length >= 2, { what: 'a second try', timeoutMs: 10_000 })
  assert.deepEqual(told, ['possible rename'])
  state.obstacle = null
  await passed
  assert.equal(new Set(seen.map(({ id }) => id)).size, 1)
})

test('when nova is silent the network may go on under the name that was admitted, and under no other', async (t) => {
  const { told, pass } = await scene(t)
  await pass()
  const empty = new LocalBus()
  void pass(undefined, 'h', empty)
  void pass(undefined, 'other', empty)
  await waitFor(() => told.length >= 2, { what: 'two words', timeoutMs: 5000 })
  assert.deepEqual(told.slice(0, 2).sort(), ['silence, another name', 'silence, same name'])
})

test('a copy of the state directory is one as long as the original is there', async (t) => {
  const { folder, seen, told, pass } = await scene(t)
  const [state, copy] = [join(folder, 'state'), join(folder, 'copy')]
  await pass(state)
  await cp(state, copy, { recursive: true })
  assert.equal(copyOf(state), undefined)
  assert.match(copyOf(copy) ?? '', new RegExp(`this state directory is a copy of ${state}`))
  const passed = pass(copy)
  await waitFor(() => told.length > 0, { what: 'an obstacle', timeoutMs: 5000 })
  assert.equal(seen.length, 1, 'the control plane is not even asked')
  await rename(state, join(folder, 'elsewhere'))
  await passed
  assert.equal(copyOf(copy), undefined)
})
