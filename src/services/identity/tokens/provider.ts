import { randomBytes } from 'node:crypto'
import { Secret } from '../../../platform/auth/secret.ts'
import type { Credentials } from '../../../platform/auth/credentials.ts'
import type { Database } from '../../../platform/db/database.ts'
import type { IdentitySchema } from '../store/tables.ts'
import { Register } from './register.ts'
import { evaluate, type ValidToken } from './evaluate.ts'
import type { TokenFormat } from './format.ts'
import type { TokenPayload } from './payload.ts'

const cacheSize = 10_000
/** A token from the future is a clock that went wrong, or an attack. */
const clockSkewMs = 60_000

export const newAuditId = (): string => randomBytes(16).toString('base64url')

type WhenFresh = (userId: string) => Promise<void> | undefined

interface Known {
  generation: number
  valid: ValidToken
  credentials: Credentials
}

/**
 * Makes and validates tokens. What a token stands for is kept until `changed()` is called, so a token that was seen
 * costs no query, and a change of users, projects, roles or revocations is in force with the next request.
 */
export class TokenProvider {
  /** Users, projects and roles as tokens see them; always as they are now in this process. */
  readonly register: Register
  readonly #format: TokenFormat
  readonly #whenFresh: WhenFresh
  #generation = 0
  /** In the order of their last use. */
  readonly #cache = new Map<string, Known>()

  /** `whenFresh`: what to wait for before a user's row can be trusted; undefined for nothing. */
  constructor(database: Database<IdentitySchema>, format: TokenFormat, whenFresh: WhenFresh = () => undefined) {
    this.register = new Register(database.db)
    this.#format = format
    this.#whenFresh = whenFresh
  }

  changed() {
    this.#generation++
    this.register.changed()
  }

  /** After a rotation of the key repository. */
  reloadKeys() {
    this.#format.reload()
    this.changed()
  }

  /** Issues a token; its time is whole seconds, as fernet's. */
  issue(payload: TokenPayload, now = Date.now()): string {
    return this.#format.seal(payload, Math.floor(now / 1000))
  }

  /** What the token stands for now; undefined when it is not valid. `graceMs` also takes it so long after its end. */
  async validate(token: string, graceMs = 0): Promise<ValidToken | undefined> {
    return (await this.#look(token, graceMs))?.valid
  }

  /** What a token of this payload would stand for, without making one. */
  preview(payload: TokenPayload): Promise<ValidToken | undefined> {
    return evaluate(this.register, { payload, seconds: Math.floor(Date.now() / 1000) })
  }

  /** The bearer's credentials for a request context, also `graceMs` after the token's end. */
  async credentials(token: string, graceMs = 0): Promise<Credentials | null> {
    return (await this.#look(token, graceMs))?.credentials ?? null
  }

  async #look(token: string, graceMs: number): Promise<Known | undefined> {
    const now = Date.now()
    const known = this.#cache.get(token)
    if (known && known.generation === this.#generation && isAlive(known.valid, now - graceMs)) {
      const { payload, user } = known.valid
      const waiting = this.#whenFresh(payload.userId) ?? this.#whenFresh(user.id)
      if (waiting) await waiting
      if (known.generation === this.#generation) {
        this.#cache.delete(token)
        this.#cache.set(token, known)
        return known
      }
    }
    const opened = this.#format.open(token)
    if (!opened || opened.payload.expiresAt <= now - graceMs || opened.seconds * 1000 > now + clockSkewMs) return
    await this.#whenFresh(opened.payload.userId)
    const generation = this.#generation
    const valid = await evaluate(this.register, opened)
    this.#cache.delete(token)
    if (!valid) return undefined
    const entry = { generation, valid, credentials: toCredentials(token, valid) }
    if (this.#cache.size >= cacheSize) this.#cache.delete(this.#cache.keys().next().value!)
    this.#cache.set(token, entry)
    return entry
  }
}

/** The ends that come by themselves, without a change that drops what is kept. */
const isAlive = (valid: ValidToken, at: number): boolean =>
  valid.payload.expiresAt > at && (valid.trust?.expires_at == null || Number(valid.trust.expires_at) > at)

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
    applicationCredentialId: valid.payload.applicationCredentialId ?? null,
    accessRules: valid.accessRules,
    auditId: valid.payload.auditIds[0] ?? '',
  }
}
