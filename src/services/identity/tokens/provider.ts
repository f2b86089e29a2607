import { randomBytes } from 'node:crypto'
import { Unauthorized } from '../../../platform/http/errors.ts'
import { Secret } from '../../../platform/auth/secret.ts'
import type { Credentials } from '../../../platform/auth/context.ts'
import type { Database } from '../../../platform/db/database.ts'
import { findRow, type Row } from '../store/rows.ts'
import { effectiveRoles, type RoleRef } from '../store/roles.ts'
import type { IdentitySchema } from '../store/tables.ts'
import { decrypt, encrypt, type FernetKey } from './fernet.ts'
import { packPayload, unpackPayload, type Scope, type TokenPayload } from './payload.ts'

/** A token with everything that it stands for at this moment. */
export interface ValidToken {
  payload: TokenPayload
  issuedAt: number
  user: Row<'users'>
  userDomain: Row<'projects'>
  project: Row<'projects'> | null
  projectDomain: Row<'projects'> | null
  domain: Row<'projects'> | null
  roles: RoleRef[]
}

const longestToken = 255
const cacheSize = 10_000

export const newAuditId = (): string => randomBytes(16).toString('base64url')

/**
 * Makes and validates tokens. What a token stands for is kept until `changed()` is called, so a token that was seen
 * costs no query, and a change of users, projects, roles or revocations is in force with the next request.
 */
export class TokenProvider {
  readonly #database: Database<IdentitySchema>
  readonly #readKeys: () => FernetKey[]
  #keys: FernetKey[]
  #generation = 0
  readonly #cache = new Map<string, { generation: number; valid: ValidToken; credentials: Credentials }>()

  constructor(database: Database<IdentitySchema>, readKeys: () => FernetKey[]) {
    this.#database = database
    this.#readKeys = readKeys
    this.#keys = readKeys()
  }

  changed() {
    this.#generation++
  }

  /** After a rotation of the key repository. */
  reloadKeys() {
    this.#keys = this.#readKeys()
  }

  /** Issues a token; its time is whole seconds, as fernet's. */
  issue(payload: TokenPayload, now = Date.now()): { token: string; issuedAt: number } {
    const seconds = Math.floor(now / 1000)
    return { token: encrypt(this.#keys[0]!, packPayload(payload), seconds), issuedAt: seconds * 1000 }
  }

  /** What the token stands for now; undefined when it is not valid. `graceMs` also takes it so long after its end. */
  async validate(token: string, graceMs = 0): Promise<ValidToken | undefined> {
    return (await this.#look(token, graceMs))?.valid
  }

  /** The bearer's credentials for a request context. */
  async credentials(token: string): Promise<Credentials | null> {
    return (await this.#look(token, 0))?.credentials ?? null
  }

  async #look(token: string, graceMs: number) {
    const now = Date.now()
    const known = this.#cache.get(token)
    if (known && known.generation === this.#generation && known.valid.payload.expiresAt + graceMs > now) return known
    const generation = this.#generation
    const valid = await this.#evaluate(token, now - graceMs)
    if (!valid) {
      this.#cache.delete(token)
      return undefined
    }
    const entry = { generation, valid, credentials: toCredentials(token, valid) }
    if (this.#cache.size >= cacheSize) this.#cache.delete(this.#cache.keys().next().value!)
    this.#cache.set(token, entry)
    return entry
  }

  async #evaluate(token: string, now: number): Promise<ValidToken | undefined> {
    if (token.length > longestToken) return undefined
    const opened = decrypt(this.#keys, token)
    const payload = opened && unpackPayload(opened.payload)
    if (!payload || payload.expiresAt <= now) return undefined
    const issuedAt = opened.seconds * 1000
    const { db } = this.#database
    if (issuedAt > Date.now() + 60_000) return undefined
    const user = await findRow(db, 'users', { id: payload.userId })
    // Fernet knows whole seconds: what was issued in the second of a password change is not valid either.
    if (!user || user.enabled === 0 || opened.seconds <= Math.floor(user.tokens_valid_after / 1000)) return undefined
    const revoked = await db
      .selectFrom('revoked_tokens')
      .select('audit_id')
      .where('audit_id', 'in', [...payload.auditIds])
      .execute()
    if (revoked.length > 0) return undefined
    const userDomain = await findRow(db, 'projects', { id: user.domain_id })
    if (!userDomain || userDomain.enabled === 0) return undefined
    return this.#scoped({
      payload,
      issuedAt,
      user,
      userDomain,
      project: null,
      projectDomain: null,
      domain: null,
      roles: [],
    })
  }

  /** Completes a token by its scope; undefined when the scope is gone, disabled or no role is left on it. */
  async #scoped(token: ValidToken): Promise<ValidToken | undefined> {
    const { db } = this.#database
    const { scope } = token.payload
    if (scope.kind === 'unscoped') return token
    if (scope.kind === 'system') {
      const roles = await effectiveRoles(db, token.user.id, 'system', 'all')
      return roles.length === 0 ? undefined : { ...token, roles }
    }
    const id = scope.kind === 'project' ? scope.projectId : scope.domainId
    const target = await findRow(db, 'projects', { id })
    if (!target || target.enabled === 0) return undefined
    let roles = await effectiveRoles(db, token.user.id, scope.kind, id)
    if (scope.kind === 'domain') return roles.length === 0 ? undefined : { ...token, domain: target, roles }
    const projectDomain = target.domain_id === '' ? target : await findRow(db, 'projects', { id: target.domain_id })
    if (!projectDomain || projectDomain.enabled === 0) return undefined
    if (token.payload.applicationCredentialId !== null) {
      const limited = await this.#limitedTo(token.payload.applicationCredentialId, roles)
      if (!limited) return undefined
      roles = limited
    }
    return roles.length === 0 ? undefined : { ...token, project: target, projectDomain, roles }
  }

  /** The roles of an application credential that its owner still has; it dies with any that is gone. */
  async #limitedTo(id: string, roles: readonly RoleRef[]): Promise<RoleRef[] | undefined> {
    const credential = await findRow(this.#database.db, 'application_credentials', { id })
    if (!credential || (credential.expires_at !== null && credential.expires_at <= Date.now())) return undefined
    const wanted = JSON.parse(credential.roles) as string[]
    const held = roles.filter((role) => wanted.includes(role.id))
    if (held.length < wanted.length) return undefined
    return held
  }
}

function toCredentials(token: string, valid: ValidToken): Credentials {
  return {
    userId: valid.user.id,
    userName: valid.user.name,
    userDomainId: valid.user.domain_id,
    projectId: valid.project?.id ?? null,
    projectName: valid.project?.name ?? null,
    projectDomainId: valid.projectDomain?.id ?? null,
    domainId: valid.domain?.id ?? null,
    systemScope: valid.payload.scope.kind === 'system' ? 'all' : null,
    roles: valid.roles.map((role) => role.name),
    expiresAt: new Date(valid.payload.expiresAt).toISOString(),
    token: new Secret(token),
    applicationCredentialId: valid.payload.applicationCredentialId,
    auditId: valid.payload.auditIds[0] ?? '',
  }
}

/** A scope that cannot be had: 401, as everything that tells about foreign things. */
export const noSuchScope = (): Unauthorized => new Unauthorized()
export type { Scope }
