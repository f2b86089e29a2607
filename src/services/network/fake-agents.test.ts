import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocalBus } from '../../platform/rpc/local-bus.ts'
import { rpcServe } from '../../platform/rpc/contract.ts'
import { fakeAgent } from './fake-agents.ts'
import { agentContracts, neutronContract } from './rpc/host-state.ts'

test('reports its agents, wires new ports, repeats a report that failed', async () => {
  const bus = new LocalBus()
  const reports: { up: string[]; down: string[] }[] = []
  let ports = ['a']
  let revision = 1
  let pulls = 0
  let failures = 0
  let alive: string[] = []
  rpcServe(bus, neutronContract, 'server', {
    pullHost: async () => ({ state: null, epoch: 'e', doubted: [] }),
    pullPorts: async (args, caller) => {
      assert.equal(caller.host, args.host)
      pulls++
      return { revision, ports: args.revision === revision ? null : ports }
    },
    reportPorts: async ({ up, down }) => {
      if (failures-- > 0) throw new Error('away')
      reports.push({ up, down })
      return {}
    },
    reportAgents: async (args) => {
      alive = args.agents.map((agent) => agent.agentType)
      return {}
    },
  })
  const stop = await fakeAgent(bus.forHost('h1'), 'h1')
  assert.deepEqual(alive, ['Linux bridge agent', 'DHCP agent', 'L3 agent', 'Metadata agent'])
  assert.deepEqual(reports, [{ up: ['a'], down: [] }])

  const look = () => bus.dispatch(agentContracts.l2.topic, 'h1', 'look', {}, { host: 'server', requestId: null })
  await look()
  assert.equal(reports.length, 1)
  pulls = 0
  for (const contract of Object.values(agentContracts))
    await bus.dispatch(contract.topic, 'h1', 'look', {}, { host: 'server', requestId: null })
  assert.equal(pulls, 1, 'agents of one process look together')
  ports = ['b']
  revision = 2
  failures = 1
  await assert.rejects(look())
  await look()
  assert.deepEqual(reports[1], { up: ['b'], down: ['a'] })
  await stop()
  assert.equal(bus.serves(agentContracts.l2.topic, 'h1'), false)
})
