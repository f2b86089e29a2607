/** Which process this is, so that others on the same machine can prove that it is gone. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** The machine since its start, and the pid namespace: within both a pid means one process. */
function machine(): string {
  let namespace = ''
  try {
    namespace = readlinkSync('/proc/self/ns/pid')
  } catch {
    // Without /proc nothing can be proved; the random part below keeps the name unlike all others.
    namespace = randomBytes(8).toString('hex')
  }
  const boot = read('/proc/sys/kernel/random/boot_id')
  return createHash('sha256').update(`${boot}${namespace}`).digest('hex').slice(0, 12)
}

/** When a process began, in ticks since the machine's start; undefined where there is no such process. */
function startOf(pid: string): string | undefined {
  const stat = read(`/proc/${pid}/stat`)
  // The name in parentheses may hold anything; the 20 fields behind it are numbers, the last of them the start.
  return stat === '' ? undefined : stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

/** A name of this process that no other ever has: `machine/pid/start/random`, at most 64 characters. */
export const nameProcess = (): string =>
  [machine(), process.pid, startOf(String(process.pid)) ?? '0', randomBytes(4).toString('hex')].join('/')

/** True when the process of that name ran on this machine and is over. False proves nothing. */
export function isProvedDead(name: string): boolean {
  const [itsMachine, pid = '', start] = name.split('/')
  return itsMachine === machine() && /^\d+$/.test(pid) && startOf(pid) !== start
}
