/** What the policy of a server group says of a host, asked when hosts are chosen and again before a guest is ordered. */
import { lockOwner } from '../../../platform/db/owner-lock.ts'
import type { ComputeDeps } from '../deps.ts'
import type { Server } from '../model/server.ts'
import { findGroup, type ServerGroup } from '../store/server-groups.ts'
import { listGroupHosts, updateServer } from '../store/servers.ts'

/** Why a host may not have one more server of the group, whose other servers are on `groupHosts`. */
export function whyAgainst(
  policy: 'affinity' | 'anti-affinity',
  group: ServerGroup | null,
  groupHosts: readonly string[],
  host: string,
): string | undefined {
  if (group?.policy !== policy) return undefined
  const there = groupHosts.filter((each) => each === host).length
  if (policy === 'affinity') return groupHosts.length === 0 || there > 0 ? undefined : 'not the host of the group'
  return there < (group.rules.max_server_per_host ?? 1) ? undefined : `has ${there} of the group`
}

/**
 * Lets a server have a host unless the policy of its group forbids that by now. Whoever decides for a server of the same
 * group meanwhile, in this process or another, waits and sees it. Returns the policy that is violated, if any.
 */
export async function takeHost(
  { database }: ComputeDeps,
  server: Pick<Server, 'id' | 'groupId'>,
  host: string,
  changes: Partial<Server>,
  at?: { revision: number; taskState: string | null },
): Promise<{ violated: string } | { isDone: boolean }> {
  return database.transaction(async (tx) => {
    if (server.groupId !== null) {
      await lockOwner(database, tx, server.groupId)
      const group = (await findGroup(tx, server.groupId)) ?? null
      const hosts = await listGroupHosts(tx, server.groupId, server.id)
      for (const policy of ['anti-affinity', 'affinity'] as const)
        if (whyAgainst(policy, group, hosts, host) !== undefined) return { violated: policy }
    }
    return { isDone: await updateServer(tx, server.id, changes, at) }
  })
}
