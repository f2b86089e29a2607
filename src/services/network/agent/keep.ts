/** What an agent goes on with while the server's word is in doubt: all that the server names, and all that it last named. Pure. */
import type { HostDhcp, HostRouter, HostState } from '../rpc/host-state.ts'

/** Everything of `now`, and what `before` has besides. */
export function withKept(before: HostState, now: HostState): HostState {
  return {
    revision: now.revision,
    networks: join(before.networks, now.networks, ({ id }) => id),
    ports: join(before.ports, now.ports, ({ id }) => id),
    securityGroups: join(before.securityGroups, now.securityGroups, ({ id }) => id),
    dhcp: join(before.dhcp, now.dhcp, ({ networkId }) => networkId, joinDhcp),
    routers: join(before.routers, now.routers, ({ id }) => id, joinRouters),
  }
}

/** How much of `kept` the server does not name; null for nothing. */
export function describeKept(kept: HostState, now: HostState): string | null {
  const more = (what: 'networks' | 'ports' | 'routers') => {
    const named = new Set(now[what].map(({ id }) => id))
    const count = kept[what].filter(({ id }) => !named.has(id)).length
    return count === 0 ? [] : [`${count} ${count === 1 ? what.slice(0, -1) : what}`]
  }
  const parts = [...more('networks'), ...more('ports'), ...more('routers')]
  return parts.length === 0 ? null : parts.join(', ')
}

/** Entries of `now` go before those of `before` with the same key. */
function join<T>(
  before: readonly T[],
  now: readonly T[],
  key: (each: T) => string,
  both: (before: T, now: T) => T = (_, each) => each,
): T[] {
  const old = new Map(before.map((each) => [key(each), each]))
  const named = new Set(now.map(key))
  const joined = now.map((each) => {
    const previous = old.get(key(each))
    return previous === undefined ? each : both(previous, each)
  })
  return [...joined, ...before.filter((each) => !named.has(key(each)))]
}

const joinDhcp = (before: HostDhcp, now: HostDhcp): HostDhcp => ({
  ...now,
  subnets: join(before.subnets, now.subnets, ({ id }) => id),
  hosts: join(before.hosts, now.hosts, ({ portId }) => portId),
})

const joinRouters = (before: HostRouter, now: HostRouter): HostRouter => ({
  ...now,
  gateway: now.gateway ?? before.gateway,
  interfaces: join(before.interfaces, now.interfaces, ({ portId }) => portId),
  floatingIps: join(before.floatingIps, now.floatingIps, ({ id }) => id),
  routes: join(before.routes, now.routes, ({ destination }) => destination),
  metadataClients: join(before.metadataClients, now.metadataClients, ({ networkId, ip }) => `${networkId} ${ip}`),
})
