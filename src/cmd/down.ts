import { existsSync } from 'node:fs'
import { copyOf } from '../services/compute/agent/host-gate.ts'
import type { Arguments } from './arguments.ts'
import { deleteProviderBridge } from '../deployment/provider-bridge.ts'
import { logOf } from '../deployment/logs.ts'
import { services } from '../deployment/services.ts'
import { providerBridge, readSettings } from '../deployment/settings.ts'
import { readStatus } from './status-file.ts'

const stopsWithin = 30_000

/** `nephos down`: ends the control plane, its guests, and every device and namespace that the cloud made. */
export async function down(args: Arguments): Promise<number> {
  const settings = readSettings(args.stateDir)
  if (!settings) {
    console.log(`There is no cloud in ${args.stateDir}.`)
    return 0
  }
  const copy = copyOf(args.stateDir)
  if (copy !== undefined) throw new Error(copy)
  await stopSupervisor(args.stateDir)
  if (settings.fake) return 0
  const log = logOf(args.stateDir, 'down', 'compute')
  for (const service of services) await service.clearHost?.({ stateDir: args.stateDir, log })
  await deleteProviderBridge(providerBridge(settings.name))
  console.log(`The cloud '${settings.name}' is down. Its data stay in ${args.stateDir}.`)
  return 0
}

async function stopSupervisor(stateDir: string): Promise<void> {
  const status = readStatus(stateDir)
  if (!status?.running) return endLeftOvers(Object.values(status?.pids ?? {}))
  process.kill(status.pid, 'SIGTERM')
  const deadline = Date.now() + stopsWithin
  while (readStatus(stateDir)?.running) {
    if (Date.now() > deadline) process.kill(status.pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** After `kill -9` of the supervisor its children end by themselves; wait for that. */
async function endLeftOvers(pids: readonly (number | undefined)[]): Promise<void> {
  const deadline = Date.now() + stopsWithin
  while (pids.some((pid) => pid !== undefined && isOurs(pid)) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function isOurs(pid: number): boolean {
  return existsSync(`/proc/${pid}/cmdline`) && existsSync(`/proc/${pid}/cwd`)
}
