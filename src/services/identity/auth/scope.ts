/** The scope of a new token: the one asked for, or the user's default project where he can use it. */
import type { IdentityDeps } from '../deps.ts'
import { AuthFailed, expected } from '../errors.ts'
import { findRow, type Row } from '../store/rows.ts'
import type { Scope } from '../tokens/payload.ts'
import { findDomain, findProject } from './find.ts'
import type { AuthRequest, Proof } from './method.ts'

export interface WantedScope {
  scope: Scope
  trust?: Row<'trusts'>
}

const kinds = ['project', 'domain', 'system', 'unscoped', 'OS-TRUST:trust'] as const

/** Throws ValidationFailed unless exactly one kind of scope is named. */
export function requireOneScope(scope: AuthRequest['scope']): void {
  if (scope === undefined || scope === 'unscoped') return
  const named = typeof scope === 'string' ? [] : kinds.filter((kind) => scope[kind] !== undefined)
  if (named.length !== 1) throw expected('system, project, domain, OS-TRUST:trust or unscoped', 'scope')
}

/** Finds the scope. What cannot be found is no different from what the user has no role on: AuthFailed. */
export async function resolveScope(
  deps: IdentityDeps,
  proof: Proof,
  wanted: AuthRequest['scope'],
): Promise<WantedScope> {
  if (proof.fixedScope) return { scope: proof.fixedScope }
  if (wanted === undefined) return { scope: await defaultScope(deps, proof) }
  if (typeof wanted === 'string' || wanted.unscoped !== undefined) return { scope: { kind: 'unscoped' } }
  if (wanted.system !== undefined) return { scope: { kind: 'system' } }
  if (wanted['OS-TRUST:trust'] !== undefined) return byTrust(deps, wanted['OS-TRUST:trust'].id)
  if (wanted.domain !== undefined) {
    const domain = await findDomain(deps, wanted.domain)
    if (!domain) throw new AuthFailed()
    return { scope: { kind: 'domain', domainId: domain.id } }
  }
  const project = await findProject(deps, wanted.project!)
  if (!project) throw new AuthFailed()
  return { scope: { kind: 'project', projectId: project.id } }
}

async function byTrust(deps: IdentityDeps, id: string | undefined): Promise<WantedScope> {
  if (id === undefined) throw expected('trust_id', 'trust')
  const trust = await findRow(deps.database.db, 'trusts', { id })
  if (!trust || trust.deleted_at !== null || trust.remaining_uses === 0 || trust.project_id === null)
    throw new AuthFailed()
  return { scope: { kind: 'project', projectId: trust.project_id }, trust }
}

async function defaultScope(deps: IdentityDeps, { user, methods, federation }: Proof): Promise<Scope> {
  if (user.default_project_id === null || federation) return { kind: 'unscoped' }
  const scope = { kind: 'project', projectId: user.default_project_id } as const
  const payload = { userId: user.id, methods, scope, expiresAt: Infinity, auditIds: ['none'] }
  return (await deps.tokens.preview(payload)) ? scope : { kind: 'unscoped' }
}
