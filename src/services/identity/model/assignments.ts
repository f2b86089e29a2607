/** From assignments as they are stored to what they mean for users: groups, trees and implied roles opened up. */

export interface Assignment {
  actor_type: 'user' | 'group'
  actor_id: string
  target_type: 'project' | 'domain' | 'system'
  target_id: string
  role_id: string
  inherited: number
}

/** An assignment with where it came from, where it was not made as it stands. */
export interface Effective extends Assignment {
  viaGroup?: string
  /** The target that a role was inherited from. */
  from?: { type: 'project' | 'domain'; id: string }
  priorRole?: string
}

export interface Surroundings {
  /** Members by group. */
  members: ReadonlyMap<string, readonly string[]>
  /** Projects below a project or a domain. */
  below: ReadonlyMap<string, readonly string[]>
  /** What a role implies, by role. */
  implied: ReadonlyMap<string, readonly string[]>
}

/** Every user's roles on every target: one entry for each way by which he has it. */
export function expand(rows: readonly Assignment[], around: Surroundings): Effective[] {
  return rows
    .flatMap((row): Effective[] =>
      row.actor_type === 'group'
        ? (around.members.get(row.actor_id) ?? []).map((userId) => ({
            ...row,
            actor_type: 'user',
            actor_id: userId,
            viaGroup: row.actor_id,
          }))
        : [row],
    )
    .flatMap((row): Effective[] =>
      row.inherited === 1 && row.target_type !== 'system'
        ? (around.below.get(row.target_id) ?? []).map((projectId) => ({
            ...row,
            target_type: 'project',
            target_id: projectId,
            from: { type: row.target_type as 'project' | 'domain', id: row.target_id },
          }))
        : [row],
    )
    .flatMap((row) => withImplied(row, around.implied))
}

function withImplied(row: Effective, implied: Surroundings['implied']): Effective[] {
  const found = [row]
  const seen = new Set([row.role_id])
  for (let at = 0; at < found.length; at++) {
    const prior = found[at]!
    for (const roleId of implied.get(prior.role_id) ?? []) {
      if (seen.has(roleId)) continue
      seen.add(roleId)
      found.push({ ...row, role_id: roleId, priorRole: prior.role_id })
    }
  }
  return found
}
