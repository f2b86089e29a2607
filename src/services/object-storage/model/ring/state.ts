import type { Device } from './device.ts'

/** A part's place without a device. */
export const noDevice = 0xffff

/** For each replica the device of each part; the last may have fewer parts. */
export type Assignments = Uint16Array[]

/** What a builder file holds. */
export interface BuilderState {
  partPower: number
  nextPartPower: number | null
  replicas: number
  minPartHours: number
  parts: number
  /** By id; null where there was one. */
  devs: (Device | null)[]
  hasChanged: boolean
  version: number
  overload: number
  /** Null before the first rebalance. */
  assignments: Assignments | null
  /** Hours since each part moved, at `lastMovesEpoch` (seconds). */
  lastMoves: Uint8Array
  lastMovesEpoch: number
  lastGatherStart: number
  /** Percent of the parts that are worse spread than they could be; null while nobody knows. */
  dispersion: number | null
  /** By a tier's key: how many parts have 0, 1, 2 … replicas there. */
  dispersionGraph: Map<string, { path: readonly (number | string)[]; counts: number[] }>
  /** Those that go with the next rebalance. */
  removed: Device[]
  id: string | null
}
