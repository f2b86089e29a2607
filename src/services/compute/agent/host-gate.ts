/**
 * Before an agent touches anything: who it is, and whether the control plane that answers is the one that its guests
 * belong to. What is in doubt holds it until that is over or an operator decided.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureFile } from '../../../host/files.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { rpcClient, type Bus } from '../../../platform/rpc/contract.ts'
import { conductorContract } from '../rpc/conductor.ts'

/** Kept in the agent's state, as nova's compute_id; it never leaves its host. */
interface Identity {
  id: string
  /** The name, the control plane and the state directory that it last worked with; null before its first time. */
  host: string | null
  cloudId: string | null
  stateDir: string | null
}

export interface HostGateOptions {
  host: string
  bus: Bus
  /** Of the whole cloud. */
  stateDir: string
  log: Logger
  countGuests: () => Promise<number>
  /** Told why it cannot work, whenever that changes. */
  onObstacle: (obstacle: string) => void
  /** Told when nova does not answer; `isSame`: the host has the name that it was last admitted under. */
  onSilence: (error: unknown, isSame: boolean) => void
  retryMs?: number
}

export const identityFile = (stateDir: string) => join(stateDir, 'compute-agent', 'host.json')

/** Waits until this agent may work; returns the session it is known by. */
export async function passGate(options: HostGateOptions, signal: AbortSignal): Promise<string> {
  const { host, bus, stateDir, log, onObstacle, retryMs = 2000 } = options
  const session = randomUUID()
  const conductor = rpcClient(bus, conductorContract)
  const file = identityFile(stateDir)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const kept = readIdentity(file) ?? { id: randomUUID(), host: null, cloudId: null, stateDir: null }
  // Kept before it is told to anybody.
  if (kept.stateDir === null) await ensureFile(file, JSON.stringify(kept), 0o600)
  for (let told = ''; !signal.aborted; await sleep(retryMs, undefined, { signal }).catch(() => undefined)) {
    try {
      const agent = { id: kept.id, session, cloudId: kept.cloudId, guests: await options.countGuests() }
      const copy = copyOf(stateDir)
      const { cloudId, obstacle } = copy
        ? { cloudId: kept.cloudId, obstacle: copy }
        : await conductor.registerHost(null, { host, agent })
      if (obstacle === null) {
        const now: Identity = { id: kept.id, host, cloudId, stateDir: realpathSync(stateDir) }
        // Nothing is written where nothing changed: a full disk keeps nobody from starting.
        await ensureFile(file, JSON.stringify(now), 0o600)
        return session
      }
      if (obstacle !== told) {
        log.error({ host }, `held: ${obstacle}`)
        onObstacle(obstacle)
      }
      told = obstacle
    } catch (error) {
      log.warn({ err: error }, 'cannot register with the control plane now')
      options.onSilence(error, kept.host === host)
    }
  }
  return session
}

/**
 * A state directory that was copied beside the one that it was copied from has the same guests, devices and names:
 * whoever works in it works on the other's. Undefined where it is none.
 */
export function copyOf(stateDir: string): string | undefined {
  const own = readIdentity(identityFile(stateDir))
  if (!own?.stateDir || own.stateDir === realpathSync(stateDir)) return undefined
  if (readIdentity(identityFile(own.stateDir))?.id !== own.id) return undefined
  return `this state directory is a copy of ${own.stateDir}, whose guests and devices it names as its own. Use that one, or move it away where this one is to take its place`
}

function readIdentity(file: string): Identity | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Identity) : undefined
}
