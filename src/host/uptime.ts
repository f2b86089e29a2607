import { run } from './command.ts'

/** What `uptime` says, as ` 10:01:16 up 3 days, 21:42,  2 users,  load average: 0.20, 0.12, 0.14`. */
export async function hostUptime(): Promise<string> {
  return (await run(['uptime'])).stdout.trimEnd()
}
