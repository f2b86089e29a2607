import { RpcError } from '../../../platform/rpc/contract.ts'
import type { UnknownGuest } from '../conductor/census.ts'
import type { ComputeDeps } from '../deps.ts'
import type { GuestDescription } from '../rpc/compute.ts'

/** Every unknown guest with what its host knows of it. */
export async function listUnknown({ census, agents }: ComputeDeps) {
  const unknown = census.listUnknown()
  const described = new Map<string, GuestDescription>()
  for (const [host, mine] of Map.groupBy(unknown, (each) => each.host)) {
    const answer = await agents.describeGuests(host, { ids: mine.map(({ id }) => id) }).catch(() => undefined)
    for (const guest of answer?.guests ?? []) described.set(guest.id, guest)
  }
  return unknown.map((each) => ({ ...each, guest: described.get(each.id) ?? null }))
}

/** The one unknown guest with this id. Throws where there is none. */
export function findUnknown({ census }: ComputeDeps, id: string): UnknownGuest {
  const found = census.listUnknown().filter((each) => each.id === id)
  if (found.length === 1) return found[0]!
  const hosts = found.map(({ host }) => host).join(' and ')
  throw found.length === 0
    ? new RpcError(`no host has an unknown guest ${id}; see nephos guests`, 'NotFound')
    : new RpcError(`${hosts} both have a guest ${id}: give one of the machines another name first`, 'Conflict')
}
