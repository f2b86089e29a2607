/** What a host's report about a guest means for its server. Pure: rows in, changes out. */
import { power, type ReportedError, type Server, type TaskState, type VmState } from './server.ts'

export interface Report {
  revision: number
  power: 'running' | 'paused' | 'shutdown' | 'building' | 'missing'
  rebootGeneration: number
  error: ReportedError | null
}

export interface Outcome {
  changes: Partial<Server>
  /** The action under way is over. */
  finished?: 'Success' | 'Error'
  fault?: { message: string; detail: string }
  /** A line for the timeline. */
  note?: string
}

const numbers = {
  running: power.running,
  paused: power.paused,
  shutdown: power.shutdown,
  building: power.none,
  missing: power.none,
} as const
const goals: Partial<Record<TaskState, { power: Report['power']; vmState: VmState }>> = {
  'powering-off': { power: 'shutdown', vmState: 'stopped' },
  'powering-on': { power: 'running', vmState: 'active' },
  pausing: { power: 'paused', vmState: 'paused' },
  unpausing: { power: 'running', vmState: 'active' },
  rebooting: { power: 'running', vmState: 'active' },
  rebooting_hard: { power: 'running', vmState: 'active' },
}

const vmStateOf = (reported: Report['power'], now: VmState): VmState =>
  reported === 'running' ? 'active' : reported === 'paused' ? 'paused' : reported === 'building' ? now : 'stopped'

/** Decides; a report about an older revision only tells the power state. */
export function judgeReport(server: Server, report: Report): Outcome {
  const changes: Partial<Server> = {}
  const set = <K extends keyof Server>(key: K, value: Server[K]) => {
    if (JSON.stringify(server[key]) !== JSON.stringify(value)) changes[key] = value
  }
  set('powerState', numbers[report.power])
  if (report.revision < server.revision) return { changes }
  if (report.revision > server.revision) return takeOver(server, report, changes)
  set('reportedRevision', report.revision)
  set('reportedPower', report.power)
  set('reportedError', report.error)
  set('reportedReboot', report.rebootGeneration)
  // Builds and deletes have a saga that waits for these columns.
  if (server.vmState === 'building' || server.taskState === 'deleting' || server.desiredPower === 'absent')
    return { changes }
  return server.taskState ? judgeTask(server, report, changes) : judgeIdle(server, report, changes)
}

/**
 * The host carried out a wish that this database does not remember: it is an older one. What runs is what is wanted
 * then, unless something is under way; and the next wish comes after all that the host knows.
 */
function takeOver(server: Server, report: Report, changes: Partial<Server>): Outcome {
  changes.revision = report.revision + 1
  const isRebooting = server.taskState === 'rebooting' || server.taskState === 'rebooting_hard'
  changes.rebootGeneration = report.rebootGeneration + Number(isRebooting)
  const isIdle = server.taskState === null && server.vmState !== 'building' && server.desiredPower !== 'absent'
  if (isIdle) {
    changes.desiredPower = report.power === 'running' || report.power === 'paused' ? report.power : 'shutdown'
    changes.vmState = server.vmState === 'error' ? 'error' : vmStateOf(report.power, server.vmState)
  }
  return { changes, note: 'the database was older than what its host did: what runs there was taken over' }
}

function judgeTask(server: Server, report: Report, changes: Partial<Server>): Outcome {
  const goal = goals[server.taskState!]
  if (!goal) return { changes }
  if (report.error) {
    const isReboot = server.taskState === 'rebooting' || server.taskState === 'rebooting_hard'
    return {
      changes: {
        ...changes,
        taskState: null,
        taskSince: null,
        vmState: isReboot ? 'error' : vmStateOf(report.power, server.vmState),
        desiredPower: report.power === 'running' || report.power === 'paused' ? report.power : 'shutdown',
        // Or the host would try the failed reboot again.
        rebootGeneration: report.rebootGeneration,
        revision: server.revision + 1,
      },
      finished: 'Error',
      fault: report.error,
      note: `${server.taskState} failed`,
    }
  }
  if (report.power !== goal.power || report.rebootGeneration < server.rebootGeneration) return { changes }
  return {
    changes: { ...changes, taskState: null, taskSince: null, vmState: goal.vmState },
    finished: 'Success',
    note: `${server.taskState} done`,
  }
}

/** Nothing was asked: the guest changed by itself. Source: nova's _sync_instance_power_state. */
function judgeIdle(server: Server, report: Report, changes: Partial<Server>): Outcome {
  const wanted = server.desiredPower
  // A server in ERROR stays so until somebody acts on it, as in nova.
  if (report.power === wanted || report.power === 'building') return { changes }
  if (report.error && (server.vmState === 'active' || server.vmState === 'paused')) {
    return {
      changes: { ...changes, vmState: 'error', desiredPower: 'shutdown', revision: server.revision + 1 },
      fault: report.error,
      note: 'guest failed',
    }
  }
  if ((report.power === 'shutdown' || report.power === 'missing') && wanted !== 'shutdown') {
    return {
      changes: {
        ...changes,
        vmState: 'stopped',
        powerState: power.shutdown,
        desiredPower: 'shutdown',
        revision: server.revision + 1,
      },
      note: 'guest powered itself off',
    }
  }
  return { changes }
}
