/** POST /v3/auth/tokens: who is it, for what scope, and the token. Every refusal is the same 401. */
import { randomUUID } from 'node:crypto'
import type { IdentityDeps } from '../deps.ts'
import { AuthFailed, ValidationFailed } from '../errors.ts'
import { findRow, type Row } from '../store/rows.ts'
import { checkPassword } from '../tokens/passwords.ts'
import type { Scope } from '../tokens/payload.ts'
import { newAuditId, type ValidToken } from '../tokens/provider.ts'

type Named = { id?: string; name?: string }

export interface AuthRequest {
  identity: {
    methods: string[]
    password?: { user: Named & { domain?: Named; password: string } }
    token?: { id: string }
    application_credential?: { id?: string; name?: string; secret: string; user?: Named & { domain?: Named } }
  }
  scope?:
    'unscoped' | { project?: Named & { domain?: Named }; domain?: Named; system?: { all?: boolean }; unscoped?: object }
}

interface Proof {
  user: Row<'users'>
  methods: string[]
  /** Not later than this (ms). */
  expiresAt: number
  parentAuditId: string | null
  applicationCredential: Row<'application_credentials'> | null
  /** Scope of the token that was shown. */
  from: Scope | null
}

/** Checks the proofs and issues a token. */
export async function authenticate(
  deps: IdentityDeps,
  { identity, scope }: AuthRequest,
): Promise<{ token: string; valid: ValidToken }> {
  const proof = await prove(deps, identity)
  const wanted = await resolveScope(deps, proof, scope)
  const auditIds = [newAuditId(), ...(proof.parentAuditId === null ? [] : [proof.parentAuditId])]
  const payload = {
    userId: proof.user.id,
    methods: [...new Set(proof.methods)],
    scope: wanted,
    expiresAt: proof.expiresAt,
    auditIds,
    applicationCredentialId: proof.applicationCredential?.id ?? null,
  }
  await nextSecondAfter(Number(proof.user.tokens_valid_after))
  const { token } = deps.tokens.issue(payload)
  const valid = await deps.tokens.validate(token)
  if (!valid) throw new AuthFailed()
  return { token, valid }
}

/** A token of the very second in which the older ones ended would be taken for one of them. */
async function nextSecondAfter(time: number) {
  const wait = (Math.floor(time / 1000) + 1) * 1000 - Date.now()
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
}

async function prove(deps: IdentityDeps, identity: AuthRequest['identity']): Promise<Proof> {
  const methods = [...new Set(identity.methods)]
  if (methods.length === 0)
    throw new ValidationFailed(
      'Expecting to find methods in identity. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.',
    )
  const proofs: Proof[] = []
  for (const method of methods) {
    if (method === 'password') proofs.push(await byPassword(deps, identity.password))
    else if (method === 'token') proofs.push(await byToken(deps, identity.token))
    else if (method === 'application_credential')
      proofs.push(await byApplicationCredential(deps, identity.application_credential))
    else throw new AuthFailed()
  }
  const [first] = proofs
  if (!first || proofs.some((proof) => proof.user.id !== first.user.id)) throw new AuthFailed()
  return {
    ...first,
    methods: proofs.flatMap((proof) => proof.methods),
    expiresAt: Math.min(...proofs.map((proof) => proof.expiresAt)),
  }
}

const freshExpiry = (deps: IdentityDeps) => Math.floor(Date.now() / 1000) * 1000 + deps.config.expiration * 1000

async function byPassword(deps: IdentityDeps, input: AuthRequest['identity']['password']): Promise<Proof> {
  if (!input) throw new ValidationFailed('Expecting to find password in identity.')
  const user = await findUser(deps, input.user)
  const isRight = await checkPassword(input.user.password, user?.password_hash ?? null, deps.config.passwordHashRounds)
  const isExpired = user?.password_expires_at != null && user.password_expires_at <= Date.now()
  if (!user || !isRight || isExpired || !(await isUsable(deps, user))) throw new AuthFailed()
  return {
    user,
    methods: ['password'],
    expiresAt: freshExpiry(deps),
    parentAuditId: null,
    applicationCredential: null,
    from: null,
  }
}

async function byToken(deps: IdentityDeps, input: AuthRequest['identity']['token']): Promise<Proof> {
  if (!input) throw new ValidationFailed('Expecting to find token in identity.')
  const valid = await deps.tokens.validate(input.id)
  if (!valid || valid.payload.applicationCredentialId !== null) throw new AuthFailed()
  return {
    user: valid.user,
    methods: ['token', ...valid.payload.methods],
    expiresAt: valid.payload.expiresAt,
    // The chain's first id: revoking it ends every token that came from it.
    parentAuditId: valid.payload.auditIds.at(-1) ?? null,
    applicationCredential: null,
    from: valid.payload.scope,
  }
}

async function byApplicationCredential(
  deps: IdentityDeps,
  input: AuthRequest['identity']['application_credential'],
): Promise<Proof> {
  if (!input) throw new ValidationFailed('Expecting to find application_credential in identity.')
  const { db } = deps.database
  const owner = input.user ? await findUser(deps, input.user) : undefined
  const credential = input.id
    ? await findRow(db, 'application_credentials', { id: input.id })
    : owner && (await findRow(db, 'application_credentials', { user_id: owner.id, name: input.name ?? '' }))
  const isRight = await checkPassword(input.secret, credential?.secret_hash ?? null, deps.config.passwordHashRounds)
  const user = credential && (await findRow(db, 'users', { id: credential.user_id }))
  const isExpired = credential?.expires_at != null && credential.expires_at <= Date.now()
  if (!credential || !user || !isRight || isExpired || !(await isUsable(deps, user))) throw new AuthFailed()
  const expiresAt = Math.min(freshExpiry(deps), credential.expires_at ?? Infinity)
  return {
    user,
    methods: ['application_credential'],
    expiresAt,
    parentAuditId: null,
    applicationCredential: credential,
    from: null,
  }
}

async function findUser(deps: IdentityDeps, user: Named & { domain?: Named }): Promise<Row<'users'> | undefined> {
  const { db } = deps.database
  if (user.id !== undefined) return findRow(db, 'users', { id: user.id })
  if (user.name === undefined || !user.domain)
    throw new ValidationFailed(
      'Expecting to find domain in user. The server could not comply with the request since it is either malformed or otherwise incorrect.',
    )
  const domain = await findDomain(deps, user.domain)
  return domain && findRow(db, 'users', { name: user.name, domain_id: domain.id })
}

function findDomain(deps: IdentityDeps, domain: Named): Promise<Row<'projects'> | undefined> {
  const where = domain.id !== undefined ? { id: domain.id } : { name: domain.name ?? '', domain_id: '' }
  return findRow(deps.database.db, 'projects', { ...where, is_domain: 1 })
}

async function isUsable(deps: IdentityDeps, user: Row<'users'>): Promise<boolean> {
  const domain = await findRow(deps.database.db, 'projects', { id: user.domain_id })
  return user.enabled === 1 && domain?.enabled === 1
}

/** The scope asked for; without one the user's default project, where it can be used. */
async function resolveScope(deps: IdentityDeps, proof: Proof, scope: AuthRequest['scope']): Promise<Scope> {
  if (proof.applicationCredential) {
    if (scope !== undefined) throw new ValidationFailed('Application credentials cannot request a scope.')
    return { kind: 'project', projectId: proof.applicationCredential.project_id }
  }
  if (scope === undefined) return proof.from === null ? defaultScope(deps, proof.user) : { kind: 'unscoped' }
  if (scope === 'unscoped' || scope.unscoped) return { kind: 'unscoped' }
  const kinds = [scope.project, scope.domain, scope.system].filter((each) => each !== undefined)
  if (kinds.length !== 1) throw new ValidationFailed('Specify exactly one of project, domain and system in scope.')
  if (scope.system) return { kind: 'system' }
  if (scope.domain) {
    const domain = await findDomain(deps, scope.domain)
    if (!domain) throw new AuthFailed()
    return { kind: 'domain', domainId: domain.id }
  }
  const project = await findProject(deps, scope.project!)
  if (!project) throw new AuthFailed()
  return { kind: 'project', projectId: project.id }
}

async function findProject(
  deps: IdentityDeps,
  project: Named & { domain?: Named },
): Promise<Row<'projects'> | undefined> {
  const { db } = deps.database
  if (project.id !== undefined) return findRow(db, 'projects', { id: project.id })
  if (!project.domain) throw new ValidationFailed('Expecting to find domain in project.')
  const domain = await findDomain(deps, project.domain)
  return domain && findRow(db, 'projects', { name: project.name ?? '', domain_id: domain.id, is_domain: 0 })
}

async function defaultScope(deps: IdentityDeps, user: Row<'users'>): Promise<Scope> {
  if (user.default_project_id === null) return { kind: 'unscoped' }
  const payload = {
    userId: user.id,
    methods: ['password'],
    scope: { kind: 'project', projectId: user.default_project_id } as const,
    expiresAt: freshExpiry(deps),
    auditIds: [randomUUID()],
    applicationCredentialId: null,
  }
  const { token } = deps.tokens.issue(payload)
  const isPossible = (await deps.tokens.validate(token)) !== undefined
  return isPossible ? payload.scope : { kind: 'unscoped' }
}
