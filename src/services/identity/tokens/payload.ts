/** What a fernet token holds, packed as keystone packs it: `[version, user, methods, scope…, expires, audit ids]`. */
import { decode, encode } from '@msgpack/msgpack'

export type Scope =
  | { kind: 'unscoped' }
  | { kind: 'project'; projectId: string }
  | { kind: 'domain'; domainId: string }
  | { kind: 'system' }

export interface TokenPayload {
  userId: string
  methods: readonly string[]
  scope: Scope
  /** Milliseconds since the epoch. */
  expiresAt: number
  /** Own audit id first, then that of the first token of the chain. */
  auditIds: readonly string[]
  applicationCredentialId: string | null
}

// The order of keystone's `[auth] methods`; a method's bit is its place.
const methods = ['external', 'password', 'token', 'oauth1', 'mapped', 'application_credential']

const version = { unscoped: 0, domain: 1, project: 2, system: 8, applicationCredential: 9 } as const

type Packed = [boolean, Uint8Array | string]

const isHex = (id: string) => /^[0-9a-f]{32}$/.test(id)
const pack = (id: string): Packed => (isHex(id) ? [true, Buffer.from(id, 'hex')] : [false, id])
const unpack = ([isBytes, value]: Packed): string =>
  typeof value === 'string' ? value : Buffer.from(value).toString(isBytes ? 'hex' : 'utf8')

export function packPayload(payload: TokenPayload): Uint8Array {
  const { scope } = payload
  const user = pack(payload.userId)
  const bits = payload.methods.reduce((sum, method) => sum | (1 << methods.indexOf(method)), 0)
  const expires = payload.expiresAt / 1000
  const audit = payload.auditIds.map((id) => Buffer.from(id, 'base64url'))
  if (payload.applicationCredentialId !== null && scope.kind === 'project') {
    return encode([
      version.applicationCredential,
      user,
      bits,
      pack(scope.projectId),
      expires,
      audit,
      pack(payload.applicationCredentialId),
    ])
  }
  switch (scope.kind) {
    case 'unscoped':
      return encode([version.unscoped, user, bits, expires, audit])
    case 'domain':
      return encode([
        version.domain,
        user,
        bits,
        isHex(scope.domainId) ? Buffer.from(scope.domainId, 'hex') : scope.domainId,
        expires,
        audit,
      ])
    case 'project':
      return encode([version.project, user, bits, pack(scope.projectId), expires, audit])
    case 'system':
      return encode([version.system, user, bits, 'all', expires, audit])
  }
}

/** Reads a payload; undefined when it is none of ours. */
export function unpackPayload(bytes: Uint8Array): TokenPayload | undefined {
  const [kind, user, bits, ...rest] = decode(bytes) as [number, Packed, number, ...unknown[]]
  const names = methods.filter((_method, bit) => bits & (1 << bit))
  const make = (
    scope: Scope,
    expires: unknown,
    audit: unknown,
    applicationCredentialId: string | null = null,
  ): TokenPayload => ({
    userId: unpack(user),
    methods: names,
    scope,
    expiresAt: Math.round(Number(expires) * 1000),
    auditIds: (audit as Uint8Array[]).map((id) => Buffer.from(id).toString('base64url')),
    applicationCredentialId,
  })
  switch (kind) {
    case version.unscoped:
      return make({ kind: 'unscoped' }, rest[0], rest[1])
    case version.domain: {
      const domain = rest[0] as Uint8Array | string
      return make(
        { kind: 'domain', domainId: typeof domain === 'string' ? domain : Buffer.from(domain).toString('hex') },
        rest[1],
        rest[2],
      )
    }
    case version.project:
      return make({ kind: 'project', projectId: unpack(rest[0] as Packed) }, rest[1], rest[2])
    case version.system:
      return make({ kind: 'system' }, rest[1], rest[2])
    case version.applicationCredential:
      return make(
        { kind: 'project', projectId: unpack(rest[0] as Packed) },
        rest[1],
        rest[2],
        unpack(rest[3] as Packed),
      )
    default:
      return undefined
  }
}
