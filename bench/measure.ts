import { readFileSync } from 'node:fs'
import type { TestCloud } from '../test/cloud.ts'

/** Runs `work` from `clients` loops for `seconds` or `count` calls; rate per second and latencies in milliseconds. */
export interface Figures {
  count: number
  perSecond: number
  p50: number
  p99: number
}

export async function measure(
  options: { clients: number; seconds?: number; count?: number },
  work: (index: number) => Promise<unknown>,
): Promise<Figures> {
  const { clients, seconds = 60, count = Infinity } = options
  const started = performance.now()
  const latencies: number[] = []
  let next = 0
  const loop = async () => {
    while (next < count && performance.now() - started < seconds * 1000) {
      const begin = performance.now()
      await work(next++)
      latencies.push(performance.now() - begin)
    }
  }
  await Promise.all(Array.from({ length: clients }, loop))
  const total = (performance.now() - started) / 1000
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2))
  return { count: sorted.length, perSecond: Math.round(sorted.length / total), p50: at(0.5), p99: at(0.99) }
}

/** One JSON line. */
export const print = (name: string, figures: object) => console.log(JSON.stringify({ name, ...figures }))

/** The processes of a cloud: control, agent. */
export async function processesOf(target: TestCloud): Promise<Record<string, number>> {
  return (JSON.parse((await target.nephos('status', '--json')).output) as { pids: Record<string, number> }).pids
}

/** Resident memory of each process of a cloud. */
export async function memory(target: TestCloud) {
  for (const [name, pid] of Object.entries(await processesOf(target))) {
    const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    print(`resident memory of ${name}, MiB`, { mib: Math.round(Number(resident) / 1024) })
  }
}
