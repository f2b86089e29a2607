import { join } from 'node:path'
import type { FakeAgentEnv, RunningAgents } from '../../platform/service.ts'
import { ComputeAgent } from './agent/agent.ts'
import { FakeDriver } from './drivers/fake/driver.ts'

/** nova-compute with the fake driver. */
export async function startFakeAgents({ host, bus, stateDir, log, onNotice }: FakeAgentEnv): Promise<RunningAgents> {
  const driver = new FakeDriver({ host, stateDir })
  const agent = new ComputeAgent({
    host,
    bus,
    driver,
    stateDir,
    consoles: { path: join(stateDir, 'console.sock') },
    log,
    concurrency: 64,
    onNotice,
  })
  await agent.start()
  return agent
}
