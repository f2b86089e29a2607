/** How well the replicas of parts are spread over failure domains. */
import { compareTiers, tiersOf, type Tier } from './device.ts'
import { mostReplicas } from './plan.ts'
import type { Assignments, BuilderState } from './state.ts'

/** Counts anew where replicas are, and returns how many are elsewhere than `before`. */
export function disperse(state: BuilderState, before: Assignments = []): number {
  const { devs, parts, replicas } = state
  const table = state.assignments ?? []
  const devices = devs.filter((device) => device !== null)
  const tiers = new Map(devices.map((device) => [device.id, tiersOf(device)]))
  const most = mostReplicas({ devices, replicas }, Math.ceil)
  const graph: BuilderState['dispersionGraph'] = new Map()
  // Parts that the last replica does not have are left out of account, as upstream does.
  const counted = Math.min(...table.map((row) => row.length))
  let changed = 0
  let atRisk = 0
  for (let part = 0; part < counted; part++) {
    const here = new Map<Tier['key'], { tier: Tier; count: number }>()
    for (const [replica, row] of table.entries()) {
      if (before[replica]?.[part] !== row[part]) changed++
      for (const tier of tiers.get(row[part]!)!) {
        const known = here.get(tier.key)
        if (known) known.count++
        else here.set(tier.key, { tier, count: 1 })
      }
    }
    const risk = [0, 0, 0, 0, 0]
    for (const { tier, count } of here.values()) {
      const known = graph.get(tier.key) ?? {
        path: tier.path,
        counts: [parts, ...Array<number>(Math.ceil(replicas)).fill(0)],
      }
      graph.set(tier.key, known)
      known.counts[0]!--
      known.counts[count]!++
      const more = count - (most.get(tier.key) ?? 0)
      if (more > 0) risk[tier.path.length]! += more
    }
    atRisk += Math.max(...risk)
  }
  state.dispersionGraph = graph
  state.dispersion = (100 * atRisk) / (parts * replicas)
  state.version++
  return changed
}

export interface TierReport {
  name: string
  placed: number
  dispersion: number
  most: number
  counts: readonly number[]
}

/** What each tier holds, in their order. */
export function tierReports({ devs, replicas, dispersionGraph }: BuilderState): TierReport[] {
  const devices = devs.filter((device) => device !== null)
  const most = mostReplicas({ devices, replicas }, Math.ceil)
  const sorted = [...dispersionGraph].sort(([keyA, a], [keyB, b]) =>
    compareTiers({ key: keyA, path: a.path }, { key: keyB, path: b.path }),
  )
  return sorted.map(([key, { path, counts }]) => {
    const limit = Math.trunc(most.get(key) ?? 0)
    const sum = (first: number, of: (replicas: number) => number) =>
      counts.reduce((total, count, index) => (index >= first ? total + count * of(index) : total), 0)
    const placed = sum(1, (index) => index)
    return {
      name: tierName(path, devs),
      placed,
      dispersion: (100 * sum(limit + 1, (index) => index - limit)) / placed,
      most: limit,
      counts,
    }
  })
}

function tierName([region, zone, ip, id]: readonly (number | string)[], devs: BuilderState['devs']): string {
  const device = id === undefined ? '' : `/${devs[Number(id)]?.device ?? `IDd${id}`}`
  return `r${region}${zone === undefined ? '' : `z${zone}`}${ip === undefined ? '' : `-${ip}`}${device}`
}
