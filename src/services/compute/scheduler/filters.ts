/** Which hosts can take a server. A filter answers why a host cannot, or undefined. */
import { isUp, zoneOf, type Aggregate, type Host } from '../model/host.ts'
import type { ServerGroup } from '../store/server-groups.ts'
import { whyAgainst } from './group-policy.ts'

export interface Request {
  zone: string | null
  image: Record<string, string>
  group: ServerGroup | null
  /** Hosts that run servers of the group, one entry per server. */
  groupHosts: readonly string[]
  /** Named by scheduler hints or by an admin. */
  differentHosts: readonly string[]
  sameHosts: readonly string[] | null
  requestedHost: string | null
  /** Hosts where this build failed before. */
  triedHosts: readonly string[]
}

export interface Facts {
  downTimeS: number
  defaultZone: string
  aggregates: readonly Aggregate[]
  /** `[filter_scheduler] enabled_filters`. */
  enabledFilters: readonly string[]
}

type Filter = readonly [name: string, why: (host: Host, request: Request, facts: Facts) => string | undefined]

const filters: readonly Filter[] = [
  [
    'ComputeFilter',
    ({ service }, _request, { downTimeS }) => {
      if (service.isDisabled) return `disabled${service.disabledReason ? `: ${service.disabledReason}` : ''}`
      return isUp(service, downTimeS) ? undefined : 'down'
    },
  ],
  ['RetryFilter', (host, { triedHosts }) => (triedHosts.includes(host.host) ? 'the build failed there' : undefined)],
  [
    'RequestedHostFilter',
    (host, { requestedHost }) =>
      requestedHost === null || requestedHost === host.host ? undefined : 'another host is requested',
  ],
  [
    'AvailabilityZoneFilter',
    (host, { zone }, { aggregates, defaultZone }) => {
      if (zone === null) return undefined
      const actual = zoneOf(host.host, aggregates, defaultZone)
      return actual === zone ? undefined : `in zone ${actual}`
    },
  ],
  [
    'ImagePropertiesFilter',
    ({ report }, { image }) => {
      const architecture = image['hw_architecture'] ?? image['architecture']
      if (architecture && normal(architecture) !== normal(report.architecture))
        return `architecture is ${report.architecture}`
      const type = image['img_hv_type'] ?? image['hypervisor_type']
      return type && type.toLowerCase() !== report.hypervisorType.toLowerCase()
        ? `hypervisor is ${report.hypervisorType}`
        : undefined
    },
  ],
  [
    'ServerGroupAntiAffinityFilter',
    (host, { group, groupHosts }) => whyAgainst('anti-affinity', group, groupHosts, host.host),
  ],
  ['ServerGroupAffinityFilter', (host, { group, groupHosts }) => whyAgainst('affinity', group, groupHosts, host.host)],
  [
    'DifferentHostFilter',
    (host, { differentHosts }) => (differentHosts.includes(host.host) ? 'excluded by different_host' : undefined),
  ],
  [
    'SameHostFilter',
    (host, { sameHosts }) => (sameHosts === null || sameHosts.includes(host.host) ? undefined : 'not in same_host'),
  ],
]

/** Those that a configuration may name or leave out. */
export const filterNames: readonly string[] = filters.map(([name]) => name)

/** What a build needs; zones are placement's work with nova, which newer configurations therefore do not name. */
const always = new Set(['RetryFilter', 'RequestedHostFilter', 'AvailabilityZoneFilter'])

const normal = (architecture: string) =>
  architecture === 'amd64' ? 'x86_64' : architecture === 'arm64' ? 'aarch64' : architecture

/** The hosts that pass, and per filter what it rejected. */
export function applyFilters<H extends Host>(hosts: readonly H[], request: Request, facts: Facts) {
  const rejections: { filter: string; count: number; reasons: string[] }[] = []
  let left = [...hosts]
  const active = filters.filter(([name]) => always.has(name) || facts.enabledFilters.includes(name))
  for (const [filter, why] of active) {
    const reasons = new Set<string>()
    const before = left.length
    left = left.filter((host) => {
      const reason = why(host, request, facts)
      if (reason !== undefined) reasons.add(reason)
      return reason === undefined
    })
    if (left.length < before) rejections.push({ filter, count: before - left.length, reasons: [...reasons] })
  }
  return { hosts: left, rejections }
}

/** One sentence for the fault. */
export const explainRejections = (rejections: ReturnType<typeof applyFilters>['rejections']): string =>
  rejections
    .map(
      ({ filter, count, reasons }) =>
        `${filter} rejected ${count} host${count === 1 ? '' : 's'} (${reasons.join('; ')})`,
    )
    .join(', ')
