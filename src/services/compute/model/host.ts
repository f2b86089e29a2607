import { ageOf } from '../../../base/clock.ts'

/** A role of nova on one machine. */
export interface Service {
  id: string
  seq: number
  host: string
  binary: string
  isDisabled: boolean
  disabledReason: string | null
  isForcedDown: boolean
  lastSeenAt: number
  createdAt: number
  updatedAt: number
}

/** What a host tells of itself. */
export interface HostReport {
  hypervisorType: string
  hypervisorVersion: number
  hypervisorHostname: string
  hostIp: string
  vcpus: number
  memoryMb: number
  diskGb: number
  runningGuests: number
  cpuInfo: string
  architecture: string
  traits: string[]
}

/** A machine that runs guests. `id` is its resource provider's. */
export interface Host {
  id: string
  seq: number
  host: string
  report: HostReport
  service: Service
}

/** Up while the last heartbeat is fresh and nobody forced it down. */
export const isUp = (service: Pick<Service, 'isForcedDown' | 'lastSeenAt'>, downTimeS: number): boolean =>
  !service.isForcedDown && ageOf(service.lastSeenAt) <= downTimeS * 1000

export interface Aggregate {
  id: number
  uuid: string
  name: string
  zone: string | null
  metadata: Record<string, string>
  hosts: string[]
  createdAt: number
  updatedAt: number | null
}

/** The zone of a host: that of the first aggregate that names one. */
export const zoneOf = (host: string, aggregates: readonly Aggregate[], fallback: string): string =>
  aggregates.find((each) => each.zone !== null && each.hosts.includes(host))?.zone ?? fallback
