/**
 * How many replicas of a part each tier should hold: as the weights say, as spreading over failure domains says, and
 * between both as far as the overload allows.
 */
import { childrenOf, compareTiers, root, tiersOf, type Device, type Tier } from './device.ts'
import { EmptyRingError, RingError } from './errors.ts'

/** Of one part, by a tier's key; fractions are shares of the parts. */
export type Replicas = Map<string, number>

export interface Plan {
  readonly min: number
  readonly target: number
  readonly max: number
}

/** What is planned for. */
export interface PlanInput {
  readonly devices: readonly Device[]
  readonly parts: number
  readonly replicas: number
  readonly overload: number
}

const tolerance = 1e-10
const weighted = ({ devices }: PlanInput) => devices.filter(({ weight }) => weight)

/** Of how many parts a weight of one is the fair share. */
export function partsPerWeight({ devices, parts, replicas }: Omit<PlanInput, 'overload'>): number {
  const sum = devices.reduce((total, { weight }) => total + weight, 0)
  if (sum === 0) throw new EmptyRingError()
  return (parts * replicas) / sum
}

function requireSum(replicas: number, byTier: Replicas, tierLength: ReadonlyMap<string, number>) {
  for (const [length, name] of ['cluster', 'regions', 'zones', 'servers', 'devices'].entries()) {
    let sum = 0
    for (const [key, count] of byTier) if (tierLength.get(key) === length) sum += count
    if (Math.abs(replicas - sum) > tolerance) throw new RingError(`${sum} != ${replicas} at tier ${name}`)
  }
}

const lengthsOf = (input: PlanInput): ReadonlyMap<string, number> =>
  new Map([
    [root.key, 0],
    ...input.devices.flatMap((d) => tiersOf(d).map((t): [string, number] => [t.key, t.path.length])),
  ])

/** The most replicas that a tier gets when all are spread as well as can be; `bound` rounds. */
export function mostReplicas(
  input: Pick<PlanInput, 'devices' | 'replicas'>,
  bound: (count: number) => number,
): Replicas {
  const children = childrenOf(input.devices.filter(({ weight }) => weight))
  const found: Replicas = new Map()
  const walk = (tier: Tier, count: number) => {
    const here = tier.path.length === 4 ? Math.min(1, count) : count
    found.set(tier.key, here)
    const below = children.get(tier.key) ?? []
    for (const child of below) walk(child, bound(here / below.length))
  }
  walk(root, input.replicas)
  return found
}

/** By weight alone; no device has a part twice. */
export function weightedReplicas(input: PlanInput): Replicas {
  const perWeight = partsPerWeight(input)
  const share = new Map<number, number>()
  let withRoom: number[] = []
  for (const { id, weight } of weighted(input)) {
    const wanted = (weight * perWeight) / input.parts
    if (wanted < 1) withRoom.push(id)
    share.set(id, Math.min(wanted, 1))
  }
  for (;;) {
    const remaining = input.replicas - [...share.values()].reduce((sum, each) => sum + each, 0)
    if (remaining < tolerance) break
    withRoom = withRoom.filter((id) => share.get(id)! < 1)
    const room = withRoom.reduce((sum, id) => sum + share.get(id)!, 0)
    if (room === 0) throw new RingError(`${input.replicas} replicas have no room on the devices`)
    const more = remaining / room
    for (const id of withRoom) share.set(id, Math.min(1, share.get(id)! * (more + 1)))
  }
  const byTier: Replicas = new Map()
  for (const device of weighted(input))
    for (const { key } of [root, ...tiersOf(device)]) byTier.set(key, (byTier.get(key) ?? 0) + share.get(device.id)!)
  requireSum(input.replicas, byTier, lengthsOf(input))
  return byTier
}

/** Spread over failure domains first, and by weight where that leaves a choice. */
export function wantedReplicas(input: PlanInput): Replicas {
  const byWeight = weightedReplicas(input)
  const spread = mostReplicas(input, (count) => count)
  const children = childrenOf(weighted(input))
  const devices = new Map<string, number>()
  for (const device of input.devices)
    if (device.weight > 0)
      for (const { key } of [root, ...tiersOf(device)]) devices.set(key, (devices.get(key) ?? 0) + 1)
  const wanted: Replicas = new Map()
  const placeAt = (tier: Tier, count: number) => {
    const room = devices.get(tier.key) ?? 0
    if (count > room) throw new RingError(`More replicanths (${count}) than devices (${room}) in tier (${tier.key})`)
    wanted.set(tier.key, count)
    const below = [...(children.get(tier.key) ?? [])].sort(compareTiers)
    if (below.length === 0) return
    const shares = divide(count, below, { byWeight, spread, devices })
    for (const child of below) placeAt(child, shares.get(child.key)!)
  }
  placeAt(root, input.replicas)
  requireSum(input.replicas, wanted, lengthsOf(input))
  return wanted
}

interface Bounds {
  readonly byWeight: Replicas
  readonly spread: Replicas
  readonly devices: ReadonlyMap<string, number>
}

/** Shares of `count` for tiers of one parent: by weight, within what spreading and the number of devices allow. */
function divide(count: number, tiers: readonly Tier[], { byWeight, spread, devices }: Bounds): Replicas {
  const least = ({ key }: Tier) => Math.floor(spread.get(key) ?? 0)
  const most = ({ key }: Tier) => Math.ceil(spread.get(key) ?? 0)
  const roomOf = ({ key }: Tier) => devices.get(key) ?? 0
  const shares: Replicas = new Map()
  const shareOf = ({ key }: Tier) => shares.get(key) ?? 0
  let remaining = count
  let open = tiers
  let isLimitedByDevices = false
  for (;;) {
    const more = remaining / open.reduce((sum, { key }) => sum + byWeight.get(key)!, 0)
    for (const tier of open) {
      let share = shareOf(tier) + byWeight.get(tier.key)! * more
      if (share < least(tier)) share = least(tier)
      else if (share > most(tier) && !isLimitedByDevices) share = most(tier)
      shares.set(tier.key, Math.min(share, roomOf(tier)))
    }
    remaining = count - [...shares.values()].reduce((sum, each) => sum + each, 0)
    if (remaining < -tolerance) open = tiers.filter((tier) => shareOf(tier) > least(tier))
    else if (remaining > tolerance) {
      open = tiers.filter((tier) => roomOf(tier) > shareOf(tier) && shareOf(tier) < most(tier))
      if (open.length > 0) continue
      isLimitedByDevices = true
      open = tiers.filter((tier) => shareOf(tier) < roomOf(tier))
    } else return shares
  }
}

/** How much more than its weight says the worst device would have to take for the best spreading. */
export function requiredOverload(
  input: PlanInput,
  byWeight = weightedReplicas(input),
  wanted = wantedReplicas(input),
): number {
  let most = 0
  for (const device of input.devices) {
    const { key } = tiersOf(device)[3]!
    if (!device.weight) {
      if (wanted.get(key)) throw new RingError(`Device ${key} has zero weight and should not want any replicas`)
      continue
    }
    const fair = byWeight.get(key)!
    most = Math.max(most, ((wanted.get(key) ?? 0) - fair) / fair)
  }
  return most
}

function targetReplicas(input: PlanInput): Replicas {
  const byWeight = weightedReplicas(input)
  const wanted = wantedReplicas(input)
  const most = requiredOverload(input, byWeight, wanted)
  if (most <= 0) return wanted
  const overload = Math.min(input.overload, most)
  const target: Replicas = new Map()
  for (const [key, fair] of byWeight) target.set(key, (((wanted.get(key) ?? 0) - fair) / most) * overload + fair)
  requireSum(input.replicas, target, lengthsOf(input))
  return target
}

const nothing: Plan = { min: 0, target: 0, max: 0 }

/** What to aim at for each tier, by its key. */
export function planOf(input: PlanInput): (key: string) => Plan {
  const plans = new Map(
    [...targetReplicas(input)].map(([key, target]): [string, Plan] => [
      key,
      { min: Math.floor(target + tolerance), target, max: Math.ceil(target - tolerance) },
    ]),
  )
  return (key) => plans.get(key) ?? nothing
}
