/** Where things are: the part that a name belongs to, the devices that hold the part, and those that help out. */
import { createHash } from 'node:crypto'
import type { Device } from './device.ts'
import type { RingData } from './ring-data.ts'

/** A device that is asked for a part. */
export interface Node extends Omit<Device, 'parts' | 'parts_wanted'> {
  /** Which replica it holds; of handoffs which of them it is. */
  readonly index: number
  readonly isHandoff: boolean
}

type Domain = (device: Omit<Device, 'parts'>) => string

/** A handoff is looked for in another region first, then in another zone, on another server, on another device. */
const domains: readonly Domain[] = [
  ({ region }) => `${region}`,
  ({ region, zone }) => `${region} ${zone}`,
  ({ region, zone, ip }) => `${region} ${zone} ${ip}`,
  ({ id }) => `${id}`,
]

export class Ring {
  readonly data: RingData
  readonly #assigned: readonly Omit<Device, 'parts'>[]

  constructor(data: RingData) {
    this.data = data
    const ids = new Set(data.assignments.flatMap((row) => [...new Set(row)]))
    this.#assigned = data.devices.filter((device) => device !== null && ids.has(device.id)) as Omit<Device, 'parts'>[]
  }

  get replicaCount(): number {
    return this.data.assignments.length
  }

  get #parts(): number {
    return this.data.assignments[0]?.length ?? 0
  }

  /** The part of a hash (hashPath). */
  partOf(hash: Buffer): number {
    return hash.readUInt32BE() >>> this.data.partShift
  }

  #idsOf(part: number): number[] {
    return [...new Set(this.data.assignments.flatMap((row) => row[part] ?? []))]
  }

  /** Those that the part belongs to. */
  primaries(part: number): Node[] {
    return this.#idsOf(part).map((id, index) => ({ ...this.data.devices[id]!, index, isHandoff: false }))
  }

  /** All others, those first that share least with the primaries. */
  *handoffs(part: number): Generator<Node> {
    const used = new Set(this.#idsOf(part))
    let index = 0
    for (const domain of domains) {
      const all = new Set(this.#assigned.map(domain)).size
      const seen = new Set([...used].map((id) => domain(this.data.devices[id]!)))
      for (const id of seen.size < all ? this.#idsFrom(part) : []) {
        const device = this.data.devices[id]!
        if (used.has(id) || seen.has(domain(device))) continue
        used.add(id)
        seen.add(domain(device))
        yield { ...device, index: index++, isHandoff: true }
        if (seen.size === all) break
      }
    }
  }

  /** The devices of other parts, from one that is drawn by the part's number. */
  *#idsFrom(part: number): Generator<number> {
    const parts = this.#parts
    const start = createHash('md5').update(String(part)).digest().readUInt32BE() >>> this.data.partShift
    const step = Math.floor(parts / 65536) || 1
    for (let at = start; at < parts; at += step) yield* this.#idsAt(at)
    for (let at = step - ((parts - start) % step); at < start; at += step) yield* this.#idsAt(at)
  }

  *#idsAt(part: number): Generator<number> {
    for (const row of this.data.assignments) if (part < row.length) yield row[part]!
  }
}
