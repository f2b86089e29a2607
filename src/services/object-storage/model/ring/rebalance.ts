/**
 * Assigns the parts of a ring to devices. Each step, the order in which it looks and what it draws by lot is upstream's:
 * the same builder and the same seed make the same ring in both programs.
 */
import { childrenOf, compareTiers, root, tiersOf, type Device, type Tier } from './device.ts'
import { RingError } from './errors.ts'
import { planOf, type Plan } from './plan.ts'
import type { Random } from './random.ts'
import type { Assignments, BuilderState } from './state.ts'
import { noDevice } from './state.ts'

/** How often it is tried to get every device to what it wants. */
const mostRounds = 3

/** Replicas to assign, by part, in the order in which they were gathered. */
class Gathered extends Map<number, number[]> {
  add(part: number, replica: number) {
    const known = this.get(part)
    if (known) known.push(replica)
    else this.set(part, [replica])
  }
}

class Counts extends Map<string, number> {
  of(key: string): number {
    return this.get(key) ?? 0
  }
  add(tiers: readonly Tier[], change: number) {
    for (const { key } of tiers) this.set(key, this.of(key) + change)
  }
}

/** Carries a rebalance out on `state`; returns how many devices went. */
export function rebalance(state: BuilderState, random: Random): number {
  return new Rebalance(state, random).run()
}

class Rebalance {
  readonly #state: BuilderState
  readonly #random: Random
  readonly #tiers = new Map<number, readonly Tier[]>()
  readonly #moved = new Set<number>()
  readonly #plan: (key: string) => Plan

  constructor(state: BuilderState, random: Random) {
    this.#state = state
    this.#random = random
    for (const device of this.#devices()) this.#tiers.set(device.id, tiersOf(device))
    this.#plan = planOf({ ...state, devices: this.#devices() })
  }

  run(): number {
    this.#setPartsWanted()
    let gathered = new Gathered()
    this.#resize(gathered)
    const gone = this.#gatherFromRemoved(gathered)
    this.#gatherForDispersion(gathered)
    for (let round = 0; round < mostRounds; round++) {
      this.#gatherForBalance(gathered, round === 0)
      if (gathered.size === 0) break
      const list = [...gathered]
      this.#random.shuffle(list)
      gathered = new Gathered()
      this.#assign(list)
      if (!this.#devices().some((device) => wantedBy(device) < 0)) break
    }
    return gone
  }

  #devices(): Device[] {
    return this.#state.devs.filter((device) => device !== null)
  }

  #table(): Assignments {
    return (this.#state.assignments ??= [])
  }

  #tiersOf(device: Device): readonly Tier[] {
    return this.#tiers.get(device.id)!
  }

  #canMove(part: number): boolean {
    return this.#state.lastMoves[part]! >= this.#state.minPartHours && !this.#moved.has(part)
  }

  #setMoved(part: number) {
    this.#state.lastMoves[part] = 0
    this.#moved.add(part)
  }

  /** The device of each replica of a part that has one. */
  #replicasOf(part: number): { replica: number; device: Device }[] {
    return this.#table().flatMap((row, replica) => {
      const id = row[part]
      return id === undefined || id === noDevice ? [] : [{ replica, device: this.#state.devs[id]! }]
    })
  }

  #replicasAtTier(part: number): Counts {
    const counts = new Counts()
    for (const { device } of this.#replicasOf(part)) counts.add(this.#tiersOf(device), 1)
    return counts
  }

  #setPartsWanted() {
    const { parts, replicas } = this.#state
    const children = childrenOf(this.#devices().filter(({ weight }) => weight))
    const byTier = new Map<string, number>()
    const place = (tier: Tier, count: number) => {
      byTier.set(tier.key, count)
      const below = [...(children.get(tier.key) ?? [])].sort(compareTiers)
      if (below.length === 0) return
      let left = count
      const shares = below.map((child) => {
        const share = Math.min(left, Math.floor(this.#plan(child.key).target * parts))
        left -= share
        return { child, share }
      })
      const byTarget = [...shares].sort((a, b) => this.#plan(a.child.key).target - this.#plan(b.child.key).target)
      for (let at = 0; left > 0; at = (at + 1) % byTarget.length, left--) byTarget[at]!.share++
      for (const { child, share } of shares) place(child, share)
    }
    place(root, Math.trunc(replicas * parts))
    for (const device of this.#devices())
      device.parts_wanted = device.weight
        ? (byTier.get(this.#tiersOf(device)[3]!.key) ?? 0) - device.parts
        : -parts * replicas
  }

  /** Makes room for more replicas, or takes back what is too much. */
  #resize(gathered: Gathered) {
    const { parts, replicas } = this.#state
    const whole = Math.trunc(replicas)
    const lengths = Array.from({ length: whole }, () => parts)
    if (replicas > whole) lengths.push(Math.trunc(parts * (replicas - whole)))
    const table = this.#table()
    const release = (row: Uint16Array) => {
      for (const id of row) this.#state.devs[id]!.parts--
    }
    for (const row of table.splice(lengths.length)) release(row)
    for (const [replica, length] of lengths.entries()) {
      const row = table[replica] ?? new Uint16Array()
      if (row.length > length) release(row.subarray(length))
      const resized = new Uint16Array(length).fill(noDevice)
      resized.set(row.subarray(0, length))
      table[replica] = resized
      for (let part = row.length; part < length; part++) gathered.add(part, replica)
    }
  }

  #gatherFromRemoved(gathered: Gathered): number {
    const { removed } = this.#state
    const ids = new Set(removed.filter(({ parts }) => parts).map(({ id }) => id))
    for (const [replica, row] of ids.size > 0 ? this.#table().entries() : []) {
      for (let part = 0; part < row.length; part++) {
        if (!ids.has(row[part]!)) continue
        row[part] = noDevice
        this.#setMoved(part)
        gathered.add(part, replica)
      }
    }
    const gone = removed.splice(0)
    for (const { id } of gone) this.#state.devs[id] = null
    return gone.length
  }

  #take(part: number, replica: number, device: Device, gathered: Gathered) {
    device.parts_wanted = wantedBy(device) + 1
    device.parts--
    gathered.add(part, replica)
    this.#table()[replica]![part] = noDevice
    this.#setMoved(part)
  }

  /** Takes parts that the plan does not allow where they are. */
  #gatherForDispersion(gathered: Gathered) {
    for (let part = 0; part < this.#state.parts; part++) {
      if (!this.#canMove(part)) continue
      const counts = this.#replicasAtTier(part)
      const isTooMany = (tier: Tier) => counts.of(tier.key) > this.#plan(tier.key).max
      const crowded = this.#replicasOf(part).filter(({ device }) => this.#tiersOf(device).some(isTooMany))
      for (const { device, replica } of crowded.sort((a, b) => wantedBy(a.device) - wantedBy(b.device))) {
        const tiers = this.#tiersOf(device)
        if (!this.#canMove(part) && counts.of(tiers[3]!.key) <= 1) continue
        this.#take(part, replica, device, gathered)
        counts.add(tiers, -1)
      }
    }
  }

  #gatherForBalance(gathered: Gathered, isFirst: boolean) {
    const { parts } = this.#state
    const lot = this.#random.between(0, Math.floor(parts / 2))
    const start = (this.#state.lastGatherStart + Math.floor(parts / 4) + lot) % parts
    this.#state.lastGatherStart = start
    if (isFirst) this.#gatherWhereSpreadAllows(gathered, start)
    this.#gatherByForce(gathered, start)
  }

  /** Parts in the order in which they are looked at, each with its replicas on devices that have too much. */
  *#overweight(start: number): Generator<{ part: number; heavy: { replica: number; device: Device }[] }> {
    const { parts } = this.#state
    for (let offset = 0; offset < parts; offset++) {
      const part = (start + offset) % parts
      if (!this.#canMove(part)) continue
      const heavy = this.#replicasOf(part).filter(({ device }) => wantedBy(device) < 0)
      if (heavy.length > 0) yield { part, heavy: heavy.sort((a, b) => wantedBy(a.device) - wantedBy(b.device)) }
    }
  }

  /** Takes parts of devices with too much where another place is as good for the spreading. */
  #gatherWhereSpreadAllows(gathered: Gathered, start: number) {
    const children = childrenOf(this.#devices().filter(({ weight }) => weight))
    const wantedIn = new Counts()
    for (const device of this.#devices()) wantedIn.add(this.#tiersOf(device), Math.max(wantedBy(device), 0))
    for (const { part, heavy } of this.#overweight(start)) {
      const counts = this.#replicasAtTier(part)
      for (const { device, replica } of heavy) {
        const tiers = this.#tiersOf(device)
        const isWithin = ({ key }: Tier) =>
          this.#plan(key).min <= counts.of(key) && counts.of(key) < this.#plan(key).max
        if (tiers.some(isWithin)) continue
        const isLeast = ({ key }: Tier) => counts.of(key) - 1 < this.#plan(key).min
        const own = new Set(tiers.map(({ key }) => key))
        const from = tiers.findLast(isLeast) ?? tiers[0]!
        const others = (children.get(from.key) ?? []).filter(({ key }) => !own.has(key))
        if (others.reduce((sum, { key }) => sum + wantedIn.of(key), 0) <= 0) continue
        this.#take(part, replica, device, gathered)
        counts.add(tiers, -1)
        wantedIn.add(tiers, -1)
        break
      }
    }
  }

  #gatherByForce(gathered: Gathered, start: number) {
    for (const { part, heavy } of this.#overweight(start)) {
      const { device, replica } = heavy[0]!
      this.#take(part, replica, device, gathered)
    }
  }

  /** Gives each gathered replica to the tier, and in the end to the device, that wants most and may have it. */
  #assign(list: readonly (readonly [part: number, replicas: readonly number[]])[]) {
    const lots = new Map(
      this.#devices().map((device) => [device.id, [wantedBy(device), this.#random.between(0, 65535)]]),
    )
    const order = (a: Device, b: Device) => {
      const [wantedA, lotA] = lots.get(a.id)!
      const [wantedB, lotB] = lots.get(b.id)!
      return wantedA! - wantedB! || lotA! - lotB! || a.id - b.id
    }
    const available = new Counts()
    for (const device of this.#devices()) available.add(this.#tiersOf(device), Math.max(wantedBy(device), 0))
    const sorted = this.#devices()
      .filter(({ weight }) => weight)
      .sort(order)
    const lastOf = new Map<string, number>()
    for (const [place, device] of sorted.entries()) for (const { key } of this.#tiersOf(device)) lastOf.set(key, place)
    const byLast = (a: Tier, b: Tier) => lastOf.get(a.key)! - lastOf.get(b.key)!
    const children = new Map([...childrenOf(sorted)].map(([key, tiers]) => [key, [...tiers].sort(byLast)]))
    for (const [part, replicas] of list) {
      this.#state.lastMoves[part] = 0
      const counts = this.#replicasAtTier(part)
      for (const replica of replicas) {
        const home = this.#homeOf(part, replica, children, counts, available)
        const device = sorted[lastOf.get(home.key)!]!
        device.parts_wanted = wantedBy(device) - 1
        device.parts++
        available.add(this.#tiersOf(device), -1)
        counts.add(this.#tiersOf(device), 1)
        this.#table()[replica]![part] = device.id
      }
    }
  }

  #homeOf(
    part: number,
    replica: number,
    children: ReadonlyMap<string, readonly Tier[]>,
    counts: Counts,
    available: Counts,
  ): Tier {
    let tier = root
    for (let depth = 0; depth < 4; depth++) {
      let best: Tier | undefined
      for (const child of children.get(tier.key) ?? []) {
        if (counts.of(child.key) >= this.#plan(child.key).max) continue
        if (!best || available.of(child.key) > available.of(best.key)) best = child
      }
      if (!best) throw new RingError(`no home for ${part}/${replica}`)
      tier = best
    }
    return tier
  }
}

const wantedBy = (device: Device): number => device.parts_wanted ?? 0
