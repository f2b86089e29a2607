/** Users and groups of the machine, as the system's own name service knows them. */
import { execFileSync } from 'node:child_process'

/** Number of a user (`passwd`) or group (`group`); undefined when there is none of that name. */
export function accountNumber(kind: 'passwd' | 'group', name: string): number | undefined {
  try {
    const line = execFileSync('getent', ['--', kind, name], { encoding: 'utf8', timeout: 10_000 })
    return Number(line.split(':')[2])
  } catch {
    return undefined
  }
}
