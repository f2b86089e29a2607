/** How the processors of a guest are arranged. Source: nova/virt/hardware.py (_get_desirable_cpu_topologies). */
import { InvalidProperty, type Topology } from './hardware.ts'

const parts = ['sockets', 'cores', 'threads'] as const
type Part = (typeof parts)[number]
type Texts = Readonly<Record<string, string>>

/** Null where neither image nor flavor says anything. */
export function chooseTopology(image: Texts, extraSpecs: Texts, vcpus: number): Topology | null {
  const read = (name: string) => image[`hw_cpu_${name}`] ?? extraSpecs[`hw:cpu_${name}`]
  if (!parts.some((part) => read(part) !== undefined || read(`max_${part}`) !== undefined)) return null
  const limits = Object.fromEntries(parts.map((part) => [part, limitOf(image, extraSpecs, part)])) as Record<
    Part,
    number
  >
  const fits = arrangements(vcpus).filter((each) => parts.every((part) => each[part] <= limits[part]))
  const matches = (each: Topology) => parts.filter((part) => String(each[part]) === read(part)).length
  // Of equal ones the more sockets, then the more cores.
  const [best] = fits.toSorted((a, b) => matches(b) - matches(a) || b.sockets - a.sockets || b.cores - a.cores)
  const wanted = parts.flatMap((part) => (read(part) === undefined ? [] : [`${part}=${read(part)}`]))
  if (!best) throw new InvalidProperty(`no arrangement of ${vcpus} processors is within the limits of hw_cpu_max_*`)
  if (wanted.length === parts.length && matches(best) < parts.length) {
    throw new InvalidProperty(`hw_cpu_${wanted.join(', hw_cpu_')} do not make ${vcpus} processors`)
  }
  return best
}

/** An image may narrow what its flavor allows, not widen it. */
function limitOf(image: Texts, extraSpecs: Texts, part: Part): number {
  const flavor = Number(extraSpecs[`hw:cpu_max_${part}`] ?? Infinity)
  const wanted = Number(image[`hw_cpu_max_${part}`] ?? image[`hw_cpu_${part}`] ?? 0)
  if (wanted > flavor)
    throw new InvalidProperty(`hw_cpu_${part}=${wanted} is more than the flavor allows, which is ${flavor}`)
  return Math.min(flavor, Number(image[`hw_cpu_max_${part}`] ?? Infinity))
}

const divisors = (number: number) =>
  Array.from({ length: number }, (_, at) => at + 1).filter((each) => number % each === 0)

const arrangements = (vcpus: number): Topology[] =>
  divisors(vcpus).flatMap((sockets) =>
    divisors(vcpus / sockets).map((cores) => ({ sockets, cores, threads: vcpus / sockets / cores })),
  )
