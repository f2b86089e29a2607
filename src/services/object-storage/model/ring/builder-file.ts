/** Builder files: Python pickles of a dict, which both programs read. */
import { pickle } from '../pickle/writer.ts'
import { unpickle, UnpicklingError } from '../pickle/reader.ts'
import { Float, Tuple } from '../pickle/values.ts'
import type { Device } from './device.ts'
import { RingError } from './errors.ts'
import type { BuilderState } from './state.ts'

const floats = new Set(['weight'])

const entriesOf = (device: Device): Map<string, unknown> =>
  new Map(
    Object.entries(device).map(([name, value]: [string, unknown]) => [
      name,
      floats.has(name) ? new Float(Number(value)) : value,
    ]),
  )

/** The bytes of a builder file. */
export function writeBuilder(state: BuilderState): Buffer {
  const dicts = new Map(state.devs.flatMap((device) => (device ? [[device.id, entriesOf(device)]] : [])))
  const graph = [...state.dispersionGraph.values()]
  return pickle(
    new Map<string, unknown>([
      ['part_power', state.partPower],
      ['next_part_power', state.nextPartPower],
      ['replicas', new Float(state.replicas)],
      ['min_part_hours', state.minPartHours],
      ['parts', state.parts],
      ['devs', state.devs.map((device) => device && dicts.get(device.id))],
      ['devs_changed', state.hasChanged],
      ['version', state.version],
      ['overload', new Float(state.overload)],
      ['_replica2part2dev', state.assignments],
      ['_last_part_moves_epoch', state.lastMovesEpoch],
      ['_last_part_moves', state.lastMoves],
      ['_last_part_gather_start', state.lastGatherStart],
      ['_dispersion_graph', new Map(graph.map(({ path, counts }) => [new Tuple(path), counts]))],
      ['dispersion', state.dispersion === null ? null : new Float(state.dispersion)],
      ['_remove_devs', state.removed.map((device) => dicts.get(device.id) ?? entriesOf(device))],
      ['id', state.id],
    ]),
  )
}

/** Reads a builder file. Throws RingError. */
export function readBuilder(file: Uint8Array): BuilderState {
  try {
    const dict = unpickle(file)
    if (!(dict instanceof Map)) throw new UnpicklingError('the pickle is no dict')
    return stateOf(dict as ReadonlyMap<string, unknown>)
  } catch (cause) {
    if (cause instanceof UnpicklingError) throw new RingError(cause.message, { cause })
    throw cause
  }
}

const numberOf = (value: unknown, otherwise = 0): number => (typeof value === 'number' ? value : otherwise)

function deviceOf(dict: unknown): Device | null {
  if (!(dict instanceof Map)) return null
  const device = Object.fromEntries(dict as ReadonlyMap<string, unknown>) as unknown as Device
  return {
    ...device,
    region: device.region ?? 1,
    meta: device.meta ?? '',
    replication_ip: device.replication_ip ?? device.ip,
    replication_port: device.replication_port ?? device.port,
  }
}

function stateOf(dict: ReadonlyMap<string, unknown>): BuilderState {
  const list = (name: string): unknown[] => {
    const value = dict.get(name)
    if (!Array.isArray(value)) throw new RingError(`the builder has no ${name}`)
    return value
  }
  const devs = list('devs').map(deviceOf)
  const parts = numberOf(dict.get('parts'))
  const table = dict.get('_replica2part2dev')
  const moves = dict.get('_last_part_moves')
  const nextPartPower = dict.get('next_part_power')
  const dispersion = dict.get('dispersion')
  const id = dict.get('id')
  const removed = list('_remove_devs').map(deviceOf)
  return {
    partPower: numberOf(dict.get('part_power')),
    nextPartPower: typeof nextPartPower === 'number' ? nextPartPower : null,
    replicas: numberOf(dict.get('replicas')),
    minPartHours: numberOf(dict.get('min_part_hours')),
    parts,
    devs,
    hasChanged: dict.get('devs_changed') === true,
    version: numberOf(dict.get('version')),
    overload: numberOf(dict.get('overload')),
    assignments: Array.isArray(table) ? table.map((row) => Uint16Array.from(row as Iterable<number>)) : null,
    // After a change of the part power upstream has a list there.
    lastMoves: moves ? Uint8Array.from(moves as Iterable<number>) : new Uint8Array(parts),
    lastMovesEpoch: numberOf(dict.get('_last_part_moves_epoch')),
    lastGatherStart: numberOf(dict.get('_last_part_gather_start')),
    dispersion: typeof dispersion === 'number' ? dispersion : null,
    dispersionGraph: graphOf(dict.get('_dispersion_graph')),
    removed: removed.flatMap((device) => (device ? [devs[device.id] ?? device] : [])),
    id: typeof id === 'string' ? id : null,
  }
}

function graphOf(dict: unknown): BuilderState['dispersionGraph'] {
  const graph: BuilderState['dispersionGraph'] = new Map()
  if (!(dict instanceof Map)) return graph
  for (const [tier, counts] of dict as ReadonlyMap<unknown, unknown>) {
    if (!(tier instanceof Tuple) || !Array.isArray(counts)) continue
    const path = tier.items as (number | string)[]
    graph.set(path.join(' '), { path, counts: counts as number[] })
  }
  return graph
}
