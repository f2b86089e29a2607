/** Commands of swift-ring-builder that change devices. */
import { fixed, floatText } from '../../model/pickle/values.ts'
import type { NewDevice } from '../../model/ring/builder.ts'
import type { Device } from '../../model/ring/device.ts'
import { RingError } from '../../model/ring/errors.ts'
import { parseOptions, type Options } from './options.ts'
import { Exit, failure, success, warning, type Session } from './session.ts'
import { deviceText } from './show.ts'
import { parseAdd, parseChange, parseSearch, search, WordError, type Found } from './words.ts'

const unchanged = 'The on-disk ring builder is unchanged.'

const numberOf = (text: string): number => {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new WordError(`could not convert string to float: '${text}'`)
  return value
}

/** Refuses while parts are being doubled. */
function requireNoIncrease(session: Session, doing: string) {
  if (session.builder.state.nextPartPower === null) return
  session.print('Partition power increase in progress. You need ')
  session.refuse(`to finish the increase first before ${doing} devices.`)
}

export function add(session: Session, argv: readonly string[]): number {
  requireNoIncrease(session, 'adding')
  try {
    for (const device of devicesToAdd(session, argv)) addOne(session, device)
  } catch (error) {
    if (!(error instanceof WordError)) throw error
    session.print(error.message)
    session.refuse(unchanged)
  }
  session.save()
  return success
}

function devicesToAdd(session: Session, argv: readonly string[]): NewDevice[] {
  const options = parseOptions(argv)
  if (options.words.length === 0) return [options.device()]
  if (options.search || options.words.length % 2 !== 0)
    throw new WordError('add takes <device> <weight> pairs or options, not both')
  return pairs(options.words).map(([text, weightText]) => {
    const device = parseAdd(text)
    if (device.region === undefined)
      session.output.warn(`WARNING: No region specified for ${text}. Defaulting to region 1.`)
    const weight = numberOf(weightText)
    if (weight < 0) throw new WordError(`Invalid weight value: ${text}`)
    return { ...device, region: device.region ?? 1, weight }
  })
}

const pairs = (words: readonly string[]): [string, string][] =>
  words.flatMap((word, at): [string, string][] => (at % 2 === 0 ? [[word, words[at + 1]!]] : []))

function addOne(session: Session, device: NewDevice) {
  const { builder } = session
  const same = builder.devices.find((other) => isSamePlace(other, device))
  if (same) {
    session.print(`Device ${same.id} already uses ${same.ip}:${same.port}/${same.device}.`)
    session.refuse(`${unchanged}\n`)
  }
  const added = builder.add(device)
  session.print(`Device ${deviceText(added)} with ${floatText(added.weight)} weight got id ${added.id}`)
}

const isSamePlace = (a: Found, b: Found) => a.ip === b.ip && a.port === b.port && a.device === b.device

/** Nothing found is refused, and several are asked about. */
async function confirm(
  session: Session,
  devices: readonly Device[],
  { isYes }: Options,
  doing: string,
  aborted: string,
) {
  if (devices.length === 0) session.refuse(`Search value matched 0 devices.\n${unchanged}`)
  if (devices.length === 1) return
  session.print('Matched more than one device:')
  for (const device of devices) session.print(`    ${deviceText(device)}`)
  if (isYes) return
  const answer = await session.output.ask(`Are you sure you want to ${doing} these ${devices.length} devices? (y/N) `)
  if (answer !== 'y') session.refuse(aborted)
}

/** Each value with the devices that it is for: pairs of words, or options and one word. */
function changesOf(session: Session, options: Options): { devices: Device[]; value: string }[] {
  const all = session.builder.devices
  if (options.search) {
    if (options.words.length !== 1) throw new WordError('options take exactly one new value')
    return [{ devices: search(all, options.search), value: options.words[0]! }]
  }
  if (options.words.length % 2 !== 0) throw new WordError('<search-value> <new value> pairs are taken')
  return pairs(options.words).map(([text, value]) => ({ devices: search(all, parseSearch(text)), value }))
}

/** set_weight, set_region, set_zone. */
export const set =
  (what: 'weight' | 'region' | 'zone') =>
  async (session: Session, argv: readonly string[]): Promise<number> => {
    const options = parseOptions(argv)
    for (const { devices, value } of changesOf(session, options)) {
      const number = numberOf(value)
      await confirm(session, devices, options, `update the ${what} for`, 'Aborting device modifications')
      for (const device of devices) {
        if (what === 'weight') session.builder.setWeight(device, number)
        else if (what === 'region') session.builder.setRegion(device, number)
        else session.builder.setZone(device, number)
        session.print(`${deviceText(device)} ${what} set to ${what === 'weight' ? floatText(number) : number}`)
      }
    }
    session.save()
    return success
  }

export async function setInfo(session: Session, argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv)
  const changes =
    options.search || Object.keys(options.change).length > 0
      ? [{ devices: search(session.builder.devices, options.search ?? {}), change: options.change }]
      : changesOf(session, options).map(({ devices, value }) => ({ devices, change: parseChange(value) }))
  for (const { devices, change } of changes) {
    await confirm(session, devices, options, 'update the info for', 'Aborting device modifications')
    for (const device of devices) setInfoOf(session, device, change)
  }
  session.save()
  return success
}

function setInfoOf(session: Session, device: Device, change: Found) {
  const before = deviceText(device)
  const changed = { ...device, ...change }
  const same = session.builder.devices.find((other) => other.id !== device.id && isSamePlace(other, changed))
  if (same) session.refuse(`Device ${same.id} already uses ${same.ip}:${same.port}/${same.device}.`)
  Object.assign(device, change)
  session.print(`Device ${before} is now ${deviceText(device)}`)
}

export async function remove(session: Session, argv: readonly string[]): Promise<number> {
  requireNoIncrease(session, 'removing')
  const options = parseOptions(argv)
  const devices = find(session, options)
  await confirm(session, devices, options, 'remove', 'Aborting device removals')
  for (const device of devices) {
    session.builder.remove(device)
    session.print(`${deviceText(device)} marked for removal and will be removed next rebalance.`)
  }
  session.save()
  return success
}

/** The devices that words or options look for. */
export function find(session: Session, { words, search: wanted }: Options): Device[] {
  const all = session.builder.devices
  if (words.length > 0 && wanted) throw new WordError('a search takes words or options, not both')
  return words.length > 0 ? words.flatMap((word) => search(all, parseSearch(word))) : search(all, wanted ?? {})
}

export function setReplicas(session: Session, [text = '']: readonly string[]): number {
  const replicas = Number(text)
  if (text === '' || Number.isNaN(replicas)) session.refuse(`"${text}" is not a valid number.`)
  if (replicas < 1) session.refuse('Replica count must be at least 1.')
  session.builder.setReplicas(replicas)
  session.print(`The replica count is now ${fixed(replicas, 6)}.`)
  session.print('The change will take effect after the next rebalance.')
  session.save()
  return success
}

export function setOverload(session: Session, [text = '']: readonly string[]): number {
  const isPercent = text.endsWith('%')
  const given = Number(text.replace(/%+$/, ''))
  if (text === '' || Number.isNaN(given)) session.refuse(`'${text.replace(/%+$/, '')}' is not a valid number.`)
  const overload = isPercent ? given * 0.01 : given
  if (overload < 0) session.refuse('Overload must be non-negative.')
  const isGreat = overload > 1 && !isPercent
  if (isGreat) session.print('!?! Warning overload is greater than 100% !?!')
  session.builder.state.overload = overload
  session.print(`The overload factor is now ${fixed(overload * 100, 2)}% (${fixed(overload, 6)})`)
  session.print('The change will take effect after the next rebalance.')
  session.save()
  return isGreat ? warning : success
}

export function setMinPartHours(session: Session, [text = '']: readonly string[]): number {
  if (!/^\d+$/.test(text)) throw new WordError(`invalid literal for int() with base 10: '${text}'`)
  session.builder.state.minPartHours = Number(text)
  session.print(`The minimum number of hours before a partition can be reassigned is now set to ${text}`)
  session.save()
  return success
}

/** Ends as upstream does where the ring cannot be made. */
export function refuseRing(session: Session, error: unknown): never {
  if (!(error instanceof RingError)) throw error
  const line = '-'.repeat(79)
  for (const text of [
    line,
    'An error has occurred during ring validation. Common',
    'causes of failure are rings that are empty or do not',
    'have enough devices to accommodate the replica count.',
    `Original exception message:\n ${error.message}`,
    line,
  ])
    session.print(text)
  throw new Exit(failure)
}
