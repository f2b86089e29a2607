/** Commands of swift-ring-builder that assign parts or tell how they are assigned. */
import { existsSync, readFileSync } from 'node:fs'
import { LinearRegex } from '../../../../base/linear-regex.ts'
import { fixed } from '../../model/pickle/values.ts'
import { mostBalance, newBuilder, RingBuilder } from '../../model/ring/builder.ts'
import { disperse, tierReports, type TierReport } from '../../model/ring/dispersion.ts'
import { requiredOverload } from '../../model/ring/plan.ts'
import { readRing } from '../../model/ring/ring-data.ts'
import { find, refuseRing } from './change.ts'
import { parseOptions } from './options.ts'
import { success, warning, type Session } from './session.ts'
import { duration, showFound } from './show.ts'
import { WordError } from './words.ts'

const now = () => Math.floor(Date.now() / 1000)
const line = '-'.repeat(79)

export function create(session: Session, argv: readonly string[]): number {
  const [power, replicas, hours] = argv.map(Number)
  if (argv.length < 3 || [power, replicas, hours].some(Number.isNaN))
    session.refuse('swift-ring-builder <builder_file> create <part_power> <replicas> <min_part_hours>')
  const builder = new RingBuilder(newBuilder(power!, replicas!, hours!))
  session.saveBackup(builder, now())
  session.save(builder)
  return success
}

/** Words and switches of `rebalance` and `dispersion`. */
function split(argv: readonly string[], valued: readonly string[] = []) {
  const words: string[] = []
  const given = new Map<string, string>()
  for (let at = 0; at < argv.length; at++) {
    const [name = '', value] = argv[at]!.split('=', 2)
    if (!name.startsWith('-')) words.push(argv[at]!)
    else given.set(name, value ?? (valued.includes(name) ? (argv[++at] ?? '') : ''))
  }
  return { words, given }
}

export function rebalance(session: Session, argv: readonly string[]): number {
  const { words, given } = split(argv, ['-s', '--seed'])
  const seed = given.get('--seed') ?? given.get('-s') ?? words[0]
  const isForced = given.has('-f') || given.has('--force')
  const { builder } = session
  const { state } = builder
  if (state.nextPartPower !== null) {
    session.print('Partition power increase in progress.')
    session.refuse('You need to finish the increase first before rebalancing.')
  }
  const { hasChanged, dispersion } = state
  const secondsLeft = builder.secondsUntilMove
  const { before, changed, balance, removed } = rebalanced(session, seed)
  if (!changed && !isForced && !removed) {
    session.print('No partitions could be reassigned.')
    if (secondsLeft <= 0) session.refuse('There is no need to do so at this time', warning)
    session.refuse(
      `The time between rebalances must be at least min_part_hours: ${state.minPartHours} hours ` +
        `(${duration(secondsLeft)} remaining)`,
      warning,
    )
  }
  const isBalanceOther = Math.abs(before - balance) >= 1 || (before === mostBalance && balance === mostBalance)
  const isDispersionOther = dispersion === null || Math.abs(dispersion - state.dispersion!) >= 1
  if (!isForced && !hasChanged && !isBalanceOther && !isDispersionOther)
    session.refuse('Cowardly refusing to save rebalance as it did not change at least 1%.', warning)
  try {
    builder.validate()
  } catch (error) {
    refuseRing(session, error)
  }
  session.print(
    `Reassigned ${changed} (${fixed((100 * changed) / state.parts, 2)}%) partitions. ` +
      `Balance is now ${fixed(balance, 2)}.  Dispersion is now ${fixed(state.dispersion!, 2)}`,
  )
  const status = remark(session, balance)
  const moment = now()
  session.saveRing(builder.ring, moment)
  session.saveBackup(builder, moment)
  session.save()
  return status
}

function rebalanced(session: Session, seed: string | undefined) {
  try {
    const before = session.builder.balance
    return { before, ...session.builder.rebalance(seed) }
  } catch (error) {
    return refuseRing(session, error)
  }
}

function remark(session: Session, balance: number): number {
  const { dispersion, overload, minPartHours } = session.builder.state
  if (dispersion! > 0) {
    session.print(line)
    session.print(
      `NOTE: Dispersion of ${fixed(dispersion!, 6)} indicates some parts are not\n      optimally dispersed.\n\n` +
        '      You may want to adjust some device weights, increase\n' +
        '      the overload or review the dispersion report.',
    )
    session.print(line)
    return warning
  }
  if (balance <= 5 || balance / 100 <= overload) return success
  session.print(line)
  session.print(`NOTE: Balance of ${fixed(balance, 2)} indicates you should push this `)
  session.print(`      ring, wait at least ${minPartHours} hours, and rebalance/repush.`)
  session.print(line)
  return warning
}

export function dispersion(session: Session, argv: readonly string[]): number {
  const { words, given } = split(argv)
  const { builder, builderFile } = session
  const { state } = builder
  if (!state.assignments)
    session.refuse(`Specified builder file "${builderFile}" is not rebalanced yet. Please rebalance first.`)
  if (given.has('--recalculate') || state.dispersionGraph.size === 0) {
    disperse(state)
    session.save()
  }
  const filter = words[0] === undefined ? undefined : new LinearRegex(`^(?:${words[0]})`)
  const reports = tierReports(state).filter(({ name }) => filter?.test(name) ?? true)
  session.print(
    `Dispersion is ${fixed(state.dispersion!, 6)}, Balance is ${fixed(builder.balance, 6)}, ` +
      `Overload is ${fixed(state.overload * 100, 2)}%`,
  )
  session.print(`Required overload is ${fixed(requiredOverload(builder.planInput) * 100, 6)}%`)
  const worst = reports.reduce<TierReport | undefined>(
    (most, each) => (each.dispersion > (most?.dispersion ?? 0) ? each : most),
    undefined,
  )
  if (worst) session.print(`Worst tier is ${fixed(worst.dispersion, 6)} (${worst.name})`)
  if (given.has('-v') || given.has('--verbose')) showTiers(session, reports)
  return worst ? warning : success
}

function showTiers(session: Session, reports: readonly TierReport[]) {
  if (reports.length === 0) return
  const { parts, replicas } = session.builder.state
  const width = Math.max(String(parts).length, 5)
  const nameWidth = Math.max(30, ...reports.map(({ name }) => name.length))
  const cells = (values: readonly (string | number)[]) => values.map((value) => String(value).padStart(width)).join(' ')
  const numbers = Array.from({ length: Math.ceil(replicas + 1) }, (_, at) => at)
  const row = (name: string, placed: string | number, percent: string, most: string | number, counts: string) =>
    `${name.padEnd(nameWidth)} ${String(placed).padStart(width)} ${percent.padStart(6)} ${String(most).padStart(6)} ${counts}`
  const header = row('Tier', 'Parts', '%', 'Max', cells(numbers))
  for (const text of ['-'.repeat(header.length), header, '-'.repeat(header.length)]) session.print(text)
  for (const { name, placed, dispersion: percent, most, counts } of reports)
    session.print(row(name, placed, fixed(percent, 2), most, cells(counts)))
}

export function searchDevices(session: Session, argv: readonly string[]): number {
  const devices = find(session, parseOptions(argv))
  if (devices.length === 0) session.refuse('No matching devices found')
  showFound(session, devices)
  return success
}

export function listParts(session: Session, argv: readonly string[]): number {
  const { assignments } = session.builder.state
  if (!assignments)
    session.refuse(`Specified builder file "${session.builderFile}" is not rebalanced yet. Please rebalance first.`)
  const ids = new Set(find(session, parseOptions(argv)).map(({ id }) => id))
  const matches = new Map<number, number>()
  for (const row of assignments)
    for (const [part, id] of row.entries()) if (ids.has(id)) matches.set(part, (matches.get(part) ?? 0) + 1)
  if (matches.size === 0) session.refuse('No matching devices found')
  session.print('Partition   Matches')
  for (const [part, count] of [...matches].sort(([, a], [, b]) => b - a))
    session.print(`${String(part).padStart(9)}   ${String(count).padStart(7)}`)
  return success
}

export function validate(session: Session): number {
  session.builder.validate()
  return success
}

export function writeRingFile(session: Session): number {
  const { builder } = session
  if (builder.state.devs.length === 0) session.refuse('Unable to write empty ring.')
  if (!builder.state.assignments)
    session.print(
      'Warning: Writing a ring with no partition assignments but with devices; did you forget to run "rebalance"?',
    )
  session.saveRing(builder.ring, now())
  return success
}

/** A builder from a ring: how long parts have been where they are is lost. */
export function writeBuilderFile(session: Session, [text]: readonly string[]): number {
  if (existsSync(session.builderFile))
    session.refuse(`Cowardly refusing to overwrite existing Ring Builder file: ${session.builderFile}`)
  if (text === undefined)
    session.output.warn('WARNING: default min_part_hours may not match the value in the lost builder.')
  if (!existsSync(session.ringFile)) throw new WordError(`Ring file does not exist: ${session.ringFile}`)
  const ring = readRing(readFileSync(session.ringFile))
  const builder = new RingBuilder({
    ...newBuilder(32 - ring.partShift, Math.max(ring.assignments.length, 1), Number(text ?? 24)),
    devs: ring.devices.map((device) => device && { ...device, parts: 0, parts_wanted: 0 }),
    assignments: ring.assignments,
    version: ring.version ?? 0,
    dispersion: null,
  })
  for (const id of ring.assignments.flatMap((row) => [...row])) builder.state.devs[id]!.parts++
  session.save(builder)
  return success
}

export function pretendHoursPassed(session: Session): number {
  session.builder.pretendHoursPassed()
  session.save()
  return success
}
