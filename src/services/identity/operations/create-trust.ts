/** Makes trusts. A redelegated one never gives more, longer or deeper than the one it comes from. */
import { Forbidden } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { ActionForbidden, IdentityNotFound, ValidationFailed } from '../errors.ts'
import { effectiveRoles, withImplied, type RoleRef } from '../store/roles.ts'
import { findRow, insertRow, listRows, type IdentityDb, type Row } from '../store/rows.ts'
import { markTrustsDeleted } from '../store/trusts.ts'
import { trustChain, type ValidToken } from '../tokens/evaluate.ts'

type Trust = Row<'trusts'>

export interface WantedTrust {
  trustorId: string
  trusteeId: string
  projectId: string | null
  impersonation: boolean
  /** Milliseconds. */
  expiresAt: number | null
  remainingUses: number | null
  allowRedelegation: boolean
  redelegationCount: number | null
  roles: readonly { id?: string; name?: string }[]
  extra: string
}

/** Creates a trust by its trustor, or, with a token of a trust, by the trustee on the trustor's behalf. */
export async function createTrust(deps: IdentityDeps, bearer: ValidToken, wanted: WantedTrust): Promise<Trust> {
  const { db } = deps.database
  if (wanted.projectId !== null && wanted.roles.length === 0)
    throw new ActionForbidden('At least one role should be specified')
  if (bearer.user.id !== wanted.trustorId) throw new ActionForbidden('The authenticated user should match the trustor')
  if (!(await findRow(db, 'users', { id: wanted.trusteeId }))) throw new IdentityNotFound('user', wanted.trusteeId)
  const parents = bearer.trust ? await trustChain(db, bearer.trust.id) : []
  const roles = await rolesFor(db, wanted, parents.at(-1))
  const trust: Trust = {
    id: crypto.randomUUID().replaceAll('-', ''),
    trustor_user_id: wanted.trustorId,
    trustee_user_id: wanted.trusteeId,
    project_id: wanted.projectId,
    impersonation: wanted.impersonation ? 1 : 0,
    expires_at: wanted.expiresAt ?? parents[0]?.expires_at ?? null,
    remaining_uses: wanted.remainingUses,
    redelegated_trust_id: parents[0]?.id ?? null,
    redelegation_count: depthFor(deps.config.maxRedelegationCount, wanted, parents[0]),
    roles: JSON.stringify(roles),
    deleted_at: null,
    extra: wanted.extra,
  }
  for (const parent of parents) requireWithin(parent, trust, deps.config.maxRedelegationCount)
  await insertRow(db, 'trusts', trust)
  return trust
}

/** How much further the new trust may be delegated. */
function depthFor(most: number, wanted: WantedTrust, parent: Trust | undefined): number {
  const { redelegationCount: asked, remainingUses } = wanted
  const isRedelegatable = wanted.allowRedelegation && asked !== 0
  if (!isRedelegatable) return 0
  if (asked !== null && asked > most)
    throw new Forbidden(`Requested redelegation depth of ${asked} is greater than allowed ${most}`)
  if (remainingUses !== null) throw new ValidationFailed('remaining_uses must not be set if redelegation is allowed')
  if (!parent) return asked ?? most
  const left = parent.redelegation_count - 1
  if (asked !== null && asked !== left)
    throw new Forbidden(
      'Modifying "redelegation_count" upon redelegation is forbidden. Omitting this parameter is advised.',
    )
  return left
}

/** Throws Forbidden where a redelegated trust would go beyond one that it comes from. */
function requireWithin(parent: Trust, trust: Trust, most: number): void {
  const depth = parent.redelegation_count
  if (depth <= 0 || depth > most)
    throw new Forbidden(`Remaining redelegation depth of ${depth} out of allowed range of [0..${most}]`)
  if (trust.remaining_uses !== null)
    throw new Forbidden(
      `Field "remaining_uses" is set to ${trust.remaining_uses} while it must not be set in order to redelegate a trust`,
    )
  if (parent.expires_at !== null && (trust.expires_at === null || Number(trust.expires_at) > Number(parent.expires_at)))
    throw new Forbidden('Requested expiration time is more than redelegated trust can provide')
  const allowed = JSON.parse(parent.roles) as string[]
  if (!(JSON.parse(trust.roles) as string[]).every((id) => allowed.includes(id)))
    throw new Forbidden('Some of requested roles are not in redelegated trust')
  if (parent.impersonation !== 1 && trust.impersonation === 1)
    throw new Forbidden(
      `Impersonation is not allowed because redelegated trust does not specify impersonation. Redelegated trust id: ${parent.id}`,
    )
}

/** The roles asked for, all of which the first trustor must have on the project. */
async function rolesFor(db: IdentityDb, wanted: WantedTrust, first: Trust | undefined): Promise<string[]> {
  if (wanted.projectId === null) return []
  if (!(await findRow(db, 'projects', { id: wanted.projectId })))
    throw new IdentityNotFound('project', wanted.projectId)
  const held = await effectiveRoles(db, first?.trustor_user_id ?? wanted.trustorId, 'project', wanted.projectId)
  const ids: string[] = []
  for (const each of wanted.roles) {
    const where = each.id === undefined ? { name: each.name!, domain_id: '' } : { id: each.id }
    const role = await findRow(db, 'roles', where)
    if (!role || !(await isHeldBy(db, role, held))) throw new IdentityNotFound('role', each.id ?? each.name!)
    ids.push(role.id)
  }
  return ids
}

/** A domain-specific role is held by whoever has all that it stands for. */
async function isHeldBy(db: IdentityDb, role: Row<'roles'>, held: readonly RoleRef[]): Promise<boolean> {
  const meant = await withImplied(db, new Set([role.id]))
  if (role.domain_id !== '') meant.delete(role.id)
  return [...meant].every((id) => held.some((each) => each.id === id))
}

/** A trust and all that were redelegated from it. */
export async function withRedelegated(db: IdentityDb, id: string): Promise<string[]> {
  const found = [id]
  for (let at = 0; at < found.length; at++) {
    const below = await listRows(db, 'trusts', { redelegated_trust_id: found[at]!, deleted_at: null })
    found.push(...below.map((row) => row.id))
  }
  return found
}

/** Deletes a trust and all that were redelegated from it; their tokens end. */
export async function deleteTrust(tx: IdentityDb, id: string): Promise<string[]> {
  const gone = await withRedelegated(tx, id)
  await markTrustsDeleted(tx, gone)
  return gone
}
