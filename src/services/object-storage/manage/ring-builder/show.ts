/** What swift-ring-builder shows of a builder: its numbers, and its devices as a table. */
import { existsSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { mostBalance } from '../../model/ring/builder.ts'
import type { Device } from '../../model/ring/device.ts'
import { EmptyRingError } from '../../model/ring/errors.ts'
import { readRing } from '../../model/ring/ring-data.ts'
import { fixed } from '../../model/pickle/values.ts'
import type { Session } from './session.ts'

/** As Python prints a timedelta. */
export function duration(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = `${Math.floor((seconds % 86_400) / 3600)}:${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`
  return days === 0 ? clock : `${days} day${days === 1 ? '' : 's'}, ${clock}`
}

/** `d0r1z1-10.0.0.1:6200R10.0.0.1:6200/sdb_"meta"` */
export function deviceText(device: Omit<Device, 'parts' | 'id'> & { id?: number }): string {
  const { id, region, zone, ip, port, replication_ip = ip, replication_port = port } = device
  const at = (address: string) => (address.includes(':') ? `[${address}]` : address)
  return `d${id}r${region}z${zone}-${at(ip)}:${port}R${at(replication_ip)}:${replication_port}/${device.device}_"${device.meta}"`
}

/** `swift-ring-builder FILE` */
export function show(session: Session): number {
  const { builder } = session
  const { state, devices } = builder
  session.print(`${session.builderFile}, build version ${state.version}, id ${state.id ?? '(not assigned)'}`)
  const balances = balancesOf(session)
  const regions = new Set(devices.map(({ region }) => region)).size
  const zones = new Set(devices.map(({ region, zone }) => `${region} ${zone}`)).size
  const balance = balances ? Math.max(...[...balances.values()].map(Math.abs)) : 0
  const dispersion = state.dispersion === null ? '' : `, ${fixed(state.dispersion, 2)} dispersion`
  session.print(
    `${state.parts} partitions, ${fixed(state.replicas, 6)} replicas, ${regions} regions, ${zones} zones, ` +
      `${devices.length} devices, ${fixed(balance, 2)} balance${dispersion}`,
  )
  session.print(
    `The minimum number of hours before a partition can be reassigned is ${state.minPartHours} ` +
      `(${duration(builder.secondsUntilMove)} remaining)`,
  )
  session.print(`The overload factor is ${fixed(state.overload * 100, 2)}% (${fixed(state.overload, 6)})`)
  const isCurrent = showRing(session)
  showTable(session, balances)
  showIncrease(session, isCurrent)
  if (!balances) session.print(new EmptyRingError().message)
  return 0
}

function balancesOf({ builder }: Session): Map<number, number> | undefined {
  try {
    return builder.balances()
  } catch (error) {
    if (error instanceof EmptyRingError) return undefined
    throw error
  }
}

/** Whether the ring file is what the builder would write. */
function showRing(session: Session): boolean {
  const { ringFile, builder } = session
  const print = (line: string) => session.print(line)
  if (!existsSync(ringFile)) {
    print(`Ring file ${ringFile} not found, probably it hasn't been written yet`)
    return false
  }
  try {
    const isCurrent = isDeepStrictEqual(readRing(readFileSync(ringFile)), builder.ring)
    print(`Ring file ${ringFile} is ${isCurrent ? 'up-to-date' : 'obsolete'}`)
    return isCurrent
  } catch (error) {
    print(`Ring file ${ringFile} is invalid: ${(error as Error).message}`)
    return false
  }
}

function showTable(session: Session, balances: ReadonlyMap<number, number> | undefined) {
  const { devices, state } = session.builder
  const at = (address: string) => (address.includes(':') ? `[${address}]` : address)
  const widest = (least: number, texts: readonly string[]) => Math.max(least, ...texts.map(({ length }) => length))
  const rips = devices.map(({ ip, replication_ip = ip }) => at(replication_ip))
  const rports = devices.map(({ port, replication_port = port }) => String(replication_port))
  const ip = widest(
    10,
    devices.map((device) => at(device.ip)),
  )
  const port = widest(
    4,
    devices.map((device) => String(device.port)),
  )
  const rip = widest(14, rips)
  const rport = widest(4, rports)
  const weight = widest(
    6,
    devices.map((device) => fixed(device.weight, 2)),
  )
  session.print(
    `Devices:${'id'.padStart(5)} ${'region'.padStart(6)} ${'zone'.padStart(4)} ${'ip address'.padStart(ip)}:` +
      `${'port'.padEnd(port)} ${'replication ip'.padStart(rip)}:${'port'.padEnd(rport)} ${'name'.padStart(5)} ` +
      `${'weight'.padStart(weight)} ${'partitions'.padStart(10)} ${'balance'.padStart(7)} ${'flags'.padStart(5)} meta`,
  )
  const key = (device: Device) => [device.region, device.zone, device.ip, device.device] as const
  for (const device of [...devices].sort((a, b) => compare(key(a), key(b)))) {
    const flags = state.removed.includes(device) ? 'DEL' : ''
    const balance = fixed(balances?.get(device.id) ?? 0, 2)
    session.print(
      `${String(device.id).padStart(13)} ${String(device.region).padStart(6)} ${String(device.zone).padStart(4)} ` +
        `${at(device.ip).padStart(ip)}:${String(device.port).padEnd(port)} ` +
        `${at(device.replication_ip ?? device.ip).padStart(rip)}:` +
        `${String(device.replication_port ?? device.port).padEnd(rport)} ${device.device.padStart(5)} ` +
        `${fixed(device.weight, 2).padStart(weight)} ${String(device.parts).padStart(10)} ${balance.padStart(7)} ` +
        `${flags.padStart(5)} ${device.meta}`,
    )
  }
}

function compare(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  const at = a.findIndex((value, index) => value !== b[index])
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1
}

function showIncrease(session: Session, isCurrent: boolean) {
  const { partPower, nextPartPower } = session.builder.state
  if (nextPartPower === partPower + 1) {
    session.print(`\nPreparing increase of partition power (${partPower} -> ${nextPartPower})`)
    session.print('Run "swift-object-relinker relink" on all nodes before moving on to increase_partition_power.')
  }
  if (nextPartPower !== null && nextPartPower === partPower) {
    session.print(`\nIncreased partition power (${partPower} -> ${nextPartPower})`)
    if (!isCurrent)
      session.print(
        'First run "swift-ring-builder <builderfile> write_ring" now and copy the updated .ring.gz file to all nodes.',
      )
    session.print(
      'Run "swift-object-relinker cleanup" on all nodes before moving on to finish_increase_partition_power.',
    )
  }
}

/** The devices that a search has found. */
export function showFound(session: Session, devices: readonly Device[]) {
  session.print(
    'Devices:    id  region  zone      ip address  port  replication ip  replication port      name weight partitions balance meta',
  )
  const { state, devices: all } = session.builder
  const perWeight = (state.parts * state.replicas) / all.reduce((sum, { weight }) => sum + weight, 0)
  for (const device of devices) {
    const { id, region, zone, ip, port, weight, parts, replication_ip = ip, replication_port = port } = device
    const balance = weight ? (100 * parts) / (weight * perWeight) - 100 : parts ? mostBalance : 0
    const cells: [string | number, number][] = [
      [id, 5],
      [region, 7],
      [zone, 5],
      [ip, 15],
      [port, 5],
      [replication_ip, 15],
    ]
    cells.push([replication_port, 17], [device.device, 9], [fixed(weight, 2), 6], [parts, 10], [fixed(balance, 2), 7])
    session.print(`         ${cells.map(([value, width]) => String(value).padStart(width)).join(' ')} ${device.meta}`)
  }
}
