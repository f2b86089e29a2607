/** The operator's side of the bus, for commands that need a cloud that runs. */
import { existsSync } from 'node:fs'
import { operatorName, type Bus } from '../platform/rpc/contract.ts'
import { SocketBus } from '../platform/rpc/socket-bus.ts'
import { readSecret } from '../deployment/secrets.ts'
import { paths } from '../deployment/settings.ts'
import { readStatus } from './status-file.ts'

const patienceMs = 5000

/** Runs `work` with a connection to the cloud in a state directory. Throws when that cloud does not run. */
export async function asOperator<T>(stateDir: string, work: (bus: Bus) => Promise<T>): Promise<T> {
  if (!existsSync(paths(stateDir).settings) || !readStatus(stateDir)?.running)
    throw new Error(`the cloud in ${stateDir} is not running; start it with: nephos up --state-dir ${stateDir}`)
  const key = readSecret(stateDir, 'bus-control')
  const log = { warn: (_: unknown, text: string) => console.error(text) }
  const bus = new SocketBus({ path: paths(stateDir).bus, key, log }, operatorName)
  try {
    for (const deadline = performance.now() + patienceMs; !bus.connected;) {
      if (performance.now() > deadline) throw new Error('the control process does not answer; see nephos status')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return await work(bus)
  } finally {
    bus.close()
  }
}
