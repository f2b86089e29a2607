/** What can be done to a builder, apart from assigning parts. Each changes the state and raises its version as upstream does. */
import type { Device } from './device.ts'
import { disperse } from './dispersion.ts'
import { RingError } from './errors.ts'
import { partsPerWeight, type PlanInput } from './plan.ts'
import { Random } from './random.ts'
import { rebalance } from './rebalance.ts'
import type { RingData } from './ring-data.ts'
import type { BuilderState } from './state.ts'

/** Percent that stand for a device that has parts and should have none. */
export const mostBalance = 999.99

export type NewDevice = Omit<Device, 'id' | 'parts'>

/** A builder without devices. Throws RingError. */
export function newBuilder(partPower: number, replicas: number, minPartHours: number): BuilderState {
  if (partPower > 32) throw new RingError(`part_power must be at most 32 (was ${partPower})`)
  if (replicas < 1) throw new RingError(`replicas must be at least 1 (was ${replicas.toFixed(6)})`)
  if (minPartHours < 0) throw new RingError(`min_part_hours must be non-negative (was ${minPartHours})`)
  const parts = 2 ** partPower
  return {
    partPower,
    nextPartPower: null,
    replicas,
    minPartHours,
    parts,
    devs: [],
    hasChanged: false,
    version: 0,
    overload: 0,
    assignments: null,
    lastMoves: new Uint8Array(parts),
    lastMovesEpoch: 0,
    lastGatherStart: 0,
    dispersion: 0,
    dispersionGraph: new Map(),
    removed: [],
    id: null,
  }
}

const now = () => Math.floor(Date.now() / 1000)

export class RingBuilder {
  readonly state: BuilderState

  constructor(state: BuilderState) {
    this.state = state
  }

  get devices(): Device[] {
    return this.state.devs.filter((device) => device !== null)
  }

  get planInput(): PlanInput {
    const { parts, replicas, overload } = this.state
    return { devices: this.devices, parts, replicas, overload }
  }

  get secondsUntilMove(): number {
    return Math.max(this.state.minPartHours * 3600 - (now() - this.state.lastMovesEpoch), 0)
  }

  /** Adds a device under the first free id, which it returns. */
  add(device: NewDevice): Device {
    const { devs } = this.state
    const free = devs.indexOf(null)
    const added: Device = { ...device, id: free < 0 ? devs.length : free, parts: 0 }
    devs[added.id] = added
    this.#changed()
    return added
  }

  /** Marks a device to go with the next rebalance. */
  remove(device: Device) {
    device.weight = 0
    this.state.removed.push(device)
    this.#changed()
  }

  setWeight(device: Device, weight: number) {
    this.#requireStays(device, 'weight')
    device.weight = weight
    this.#changed()
  }

  setRegion(device: Device, region: number) {
    this.#requireStays(device, 'region')
    device.region = region
    this.#changed()
  }

  setZone(device: Device, zone: number) {
    this.#requireStays(device, 'zone')
    device.zone = zone
    this.#changed()
  }

  #requireStays({ id }: Device, what: string) {
    if (this.state.removed.some((device) => device.id === id))
      throw new RingError(`Can not set ${what} of dev_id ${id} because it is marked for removal`)
  }

  #changed() {
    this.state.hasChanged = true
    this.state.version++
  }

  setReplicas(replicas: number) {
    const { state } = this
    if (Math.trunc(state.parts * state.replicas) !== Math.trunc(state.parts * replicas)) state.hasChanged = true
    state.replicas = replicas
  }

  /** `changed` is how many replicas of parts are on another device afterwards. Throws RingError. */
  rebalance(seed?: string): { changed: number; balance: number; removed: number } {
    const { state } = this
    const usable = this.devices.filter(({ weight }) => weight > 0).length
    if (usable < state.replicas)
      throw new RingError(`Replica count of ${replicaText(state.replicas)} requires more than ${usable} devices`)
    const before = state.assignments?.map((row) => row.slice()) ?? []
    this.updateLastMoves()
    const removed = rebalance(state, new Random(seed))
    state.hasChanged = false
    return { changed: disperse(state, before), balance: this.balance, removed }
  }

  /** Lets the hours pass that have passed. */
  updateLastMoves() {
    const { state } = this
    const hours = Math.floor((now() - state.lastMovesEpoch) / 3600)
    if (hours <= 0) return
    for (const [part, known] of state.lastMoves.entries()) state.lastMoves[part] = Math.min(known + hours, 255)
    state.lastMovesEpoch = now()
  }

  pretendHoursPassed() {
    this.state.lastMovesEpoch = 0
    this.state.lastMoves.fill(255)
  }

  /** Percent by which each device has more than its share. Throws EmptyRingError. */
  balances(): Map<number, number> {
    const perWeight = partsPerWeight(this.planInput)
    return new Map(
      this.devices.map(({ id, weight, parts }) => {
        if (!weight) return [id, parts ? mostBalance : 0]
        return [id, (100 * parts) / (weight * perWeight) - 100]
      }),
    )
  }

  /** The worst of them. Throws EmptyRingError. */
  get balance(): number {
    return Math.max(...[...this.balances().values()].map(Math.abs))
  }

  /** Throws RingError where the assignments cannot be right. */
  validate() {
    const { assignments, devs, parts, replicas } = this.state
    if (!assignments?.length) throw new RingError('_replica2part2dev empty; did you forget to rebalance?')
    const onDevices = this.devices.reduce((sum, device) => sum + device.parts, 0)
    const inTable = assignments.reduce((sum, row) => sum + row.length, 0)
    if (onDevices !== inTable)
      throw new RingError(`All partitions are not double accounted for: ${onDevices} != ${inTable}`)
    for (const [replica, row] of assignments.entries()) {
      if (row.length < parts && replica + 1 < Math.ceil(replicas))
        throw new RingError(
          `The partition assignments of replica ${replica} were shorter than expected (${row.length} < ${parts}) - ` +
            'this should only happen for the last replica',
        )
      for (const [part, id] of row.entries())
        if (!devs[id]) throw new RingError(`Partition ${part}, replica ${replica} was not allocated to a device.`)
    }
    for (let part = 0; part < parts; part++) {
      const ids = assignments.flatMap((row) => row[part] ?? [])
      if (new Set(ids).size < ids.length)
        throw new RingError(`The partition ${part} has been assigned to duplicate devices [${ids.join(', ')}]`)
    }
  }

  /** The ring as it is handed out. */
  get ring(): RingData {
    const { assignments, devs, partPower, nextPartPower, version } = this.state
    return {
      devices: devs.map((device) => device && withoutCounts(device)),
      assignments: assignments ?? [],
      partShift: 32 - partPower,
      nextPartPower: assignments ? nextPartPower : null,
      version,
    }
  }

  /** Returns false where it is prepared already. */
  prepareIncrease(): boolean {
    if (this.state.nextPartPower) return false
    this.state.nextPartPower = this.state.partPower + 1
    this.state.version++
    return true
  }

  get #isPrepared(): boolean {
    return this.state.nextPartPower === this.state.partPower + 1
  }

  /** Makes two of each part, on the same devices. */
  increase(): boolean {
    const { state } = this
    if (!this.#isPrepared || !state.assignments) return false
    const twice = (_: unknown, at: number) => at >> 1
    const doubled = (length: number) => Uint32Array.from({ length: length * 2 }, twice)
    state.assignments = state.assignments.map((row) => Uint16Array.from(doubled(row.length), (at) => row[at]!))
    state.lastMoves = Uint8Array.from(doubled(state.parts), (at) => state.lastMoves[at]!)
    for (const device of this.devices) device.parts *= 2
    state.partPower++
    state.parts *= 2
    state.version++
    return true
  }

  cancelIncrease(): boolean {
    if (!this.#isPrepared) return false
    this.state.nextPartPower = this.state.partPower
    this.state.version++
    return true
  }

  finishIncrease(): boolean {
    if (!this.state.nextPartPower || this.state.nextPartPower !== this.state.partPower) return false
    this.state.nextPartPower = null
    this.state.version++
    return true
  }
}

const replicaText = (replicas: number): string => (Number.isInteger(replicas) ? `${replicas}.0` : String(replicas))

function withoutCounts({ parts: _parts, parts_wanted: _wanted, ...device }: Device): Omit<Device, 'parts'> {
  return device
}
