/** nova-compute of a host. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ServiceClient } from '../../platform/http/client.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { AgentEnv, RunningAgents } from '../../platform/service.ts'
import { ImageClient } from '../image/client.ts'
import { ComputeAgent } from './agent/agent.ts'
import { copyOf, passGate } from './agent/host-gate.ts'
import { QemuDriver } from './drivers/qemu/driver.ts'

const role = 'nova-compute'
const guestsOf = (stateDir: string) => join(stateDir, 'instances')

/** Starts it when nova has said that this host is the one that it takes itself for; before that nothing is touched. */
export async function startAgents(env: AgentEnv): Promise<RunningAgents> {
  const { host, bus, stateDir } = env
  const log = env.logOf(role)
  const images = new ImageClient(new ServiceClient('image', env.connect('image'), () => env.serviceToken()))
  const driver = new QemuDriver({
    host,
    stateDir: guestsOf(stateDir),
    log,
    fetchImage: (id) => images.download(id),
    ...(env.guestUser && { user: env.guestUser }),
    onRemark: (text) => env.remark(text),
  })
  const session = await passGate(
    {
      host,
      bus,
      stateDir,
      log,
      countGuests: async () => (await driver.listGuests()).length,
      onObstacle: (obstacle) => env.report(role, 'down', `held: ${obstacle}`),
      onSilence(error, isSame) {
        // Ports and routers need no nova.
        if (isSame) env.admit()
        env.report(role, 'down', error instanceof Error ? error.message : String(error))
      },
    },
    env.stopping,
  )
  if (env.stopping.aborted) return { stop: async () => undefined }
  env.admit()
  const health: { error: string | null; notice: string | null } = { error: null, notice: null }
  const show = (change: Partial<typeof health>) => {
    const { error, notice } = Object.assign(health, change)
    env.report(role, error === null ? 'up' : 'down', error ?? notice)
  }
  const agent = new ComputeAgent({
    host,
    bus,
    driver,
    stateDir: join(stateDir, 'compute-agent'),
    consoles: { path: join(stateDir, 'run', 'console.sock'), ...(env.controlUser && { owner: env.controlUser }) },
    log,
    session,
    onHealth: (error) => show({ error }),
    onNotice: (notice) => show({ notice }),
  })
  bus.onConnect(() => agent.reconnected())
  await agent.start()
  return { stop: () => agent.stop() }
}

/** Ends the guests of this host. Throws where this is the copy of another cloud's folder. */
export async function clearHost({ stateDir, log }: { stateDir: string; log: Logger }): Promise<void> {
  const copy = copyOf(stateDir)
  if (copy !== undefined) throw new Error(copy)
  const instances = guestsOf(stateDir)
  if (!existsSync(instances)) return
  const fetchImage = () => Promise.reject(new Error('unused'))
  const driver = new QemuDriver({ host: '', stateDir: instances, log, fetchImage })
  await driver.start()
  await driver.stopAll()
  await driver.stop()
}
