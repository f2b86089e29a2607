/** Other processes that a benchmark starts or looks at: nothing that is measured shares an event loop with its client. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface BareServer {
  readonly pid: number
  readonly url: string
  stop(): void
}

/** The server of bare-server.ts, with these bytes, or with those of a file, which it reads each time. */
export async function bareServer(content: { bytes: string | Uint8Array } | { file: string }): Promise<BareServer> {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-bare-'))
  const file = 'file' in content ? content.file : join(folder, 'bytes')
  if ('bytes' in content) writeFileSync(file, content.bytes)
  const program = join(import.meta.dirname, 'bare-server.ts')
  const how = 'file' in content ? ['stream'] : []
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, file, ...how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  rmSync(folder, { recursive: true })
  return { pid: child.pid!, url: `http://127.0.0.1:${Number(line.toString())}/`, stop: () => void child.kill() }
}

/** Milliseconds per tick of /proc, as on every Linux of today. */
const tickMs = 10

/** What a process has spent of processors so far, user and system, in milliseconds. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

/** How long `work` takes, and what it costs a process. */
export async function timed(pid: number, work: () => Promise<unknown>): Promise<{ seconds: number; cpuMs: number }> {
  const before = cpuOf(pid)
  const started = performance.now()
  await work()
  return { seconds: (performance.now() - started) / 1000, cpuMs: cpuOf(pid) - before }
}
