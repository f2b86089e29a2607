/** Which addresses of a subnet may be given out. Pure: the store decides which of them are taken. */
import { formatAddress, formatPrefix, parseAddress, type IpVersion, type Prefix } from './address.ts'
import {
  gatewayConflictWithAllocationPools,
  invalidAllocationPool,
  outOfBoundsAllocationPool,
  overlappingAllocationPools,
} from '../errors.ts'

/** Both ends belong to the pool. */
export interface Pool {
  readonly first: bigint
  readonly last: bigint
}

/** The addresses a port may have: IPv4 keeps network and broadcast back, except in /31 and /32. */
export function usableRange(prefix: Prefix): Pool {
  if (prefix.first === prefix.last) return { first: prefix.first, last: prefix.last }
  if (prefix.version === 6) return { first: prefix.first + 1n, last: prefix.last }
  if (prefix.length > 30) return { first: prefix.first, last: prefix.last }
  return { first: prefix.first + 1n, last: prefix.last - 1n }
}

/** Whether a port may be given this address by name. IPv6 keeps the first one back, which all routers have, for them. */
export function isHostAddress(
  prefix: Prefix,
  { version, value }: { version: IpVersion; value: bigint },
  isForRouter: boolean,
): boolean {
  const { first, last } = version === 6 && isForRouter ? prefix : usableRange(prefix)
  return prefix.version === version && value >= first && value <= last
}

/** The pools of a subnet that names none: everything usable around the gateway. */
export function defaultPools(prefix: Prefix, gateway: bigint | null): Pool[] {
  const { first, last } = usableRange(prefix)
  if (first === last) return [{ first, last }]
  if (gateway === null || gateway < first || gateway > last) return [{ first, last }]
  const around = [
    { first, last: gateway - 1n },
    { first: gateway + 1n, last },
  ]
  return around.filter((pool) => pool.first <= pool.last)
}

/** Reads and checks the pools of a request; returns them in ascending order. */
export function checkPools(
  prefix: Prefix,
  pools: readonly { start: string; end: string }[],
  gateway: bigint | null,
): Pool[] {
  const name = (pool: Pool) =>
    `${formatAddress(prefix.version, pool.first)}-${formatAddress(prefix.version, pool.last)}`
  const usable = usableRange(prefix)
  const sorted = pools.map((pool) => readPool(prefix, pool)).toSorted((a, b) => (a.first < b.first ? -1 : 1))
  for (const [index, pool] of sorted.entries()) {
    if (pool.first < usable.first || pool.last > usable.last) {
      throw outOfBoundsAllocationPool(name(pool), formatPrefix(prefix))
    }
    const before = sorted[index - 1]
    if (before !== undefined && before.last >= pool.first) {
      throw overlappingAllocationPools(name(before), name(pool), formatPrefix(prefix))
    }
    if (gateway !== null && gateway >= pool.first && gateway <= pool.last) {
      throw gatewayConflictWithAllocationPools(formatAddress(prefix.version, gateway), name(pool))
    }
  }
  return sorted
}

function readPool(prefix: Prefix, { start, end }: { start: string; end: string }): Pool {
  const first = parseAddress(start)
  const last = parseAddress(end)
  const isValid = first?.version === prefix.version && last?.version === prefix.version && first.value <= last.value
  if (!isValid) throw invalidAllocationPool(`${start}-${end}`)
  return { first: first.value, last: last.value }
}

/**
 * The first `count` free addresses of the pools. `taken` must be ascending (the store reads it in that order), so one
 * pass over both suffices. Fewer are returned when the pools are exhausted.
 */
export function nextFree(pools: readonly Pool[], taken: readonly bigint[], count: number): bigint[] {
  const free: bigint[] = []
  let index = 0
  for (const pool of pools) {
    for (let address = pool.first; address <= pool.last && free.length < count; address += 1n) {
      while (index < taken.length && (taken[index] ?? address) < address) index += 1
      if (taken[index] !== address) free.push(address)
    }
  }
  return free
}

/** The address a host gives itself in a SLAAC subnet (EUI-64 of its MAC). */
export function slaacAddress(prefix: Prefix, mac: string): bigint {
  const value = BigInt(`0x${mac.replaceAll(':', '')}`) ^ (1n << 41n)
  return prefix.first | ((value >> 24n) << 40n) | (0xfffen << 24n) | (value & 0xffffffn)
}
