/**
 * What a token holds, and how a fernet token packs it: as keystone does, `[version, user, methods, scope…, expires,
 * audit ids, …]`, so that both sides of a migration read each other's tokens. Source: keystone's token_formatters.
 */
import { decode, encode } from '@msgpack/msgpack'

export type Scope =
  | { kind: 'unscoped' }
  | { kind: 'project'; projectId: string }
  | { kind: 'domain'; domainId: string }
  | { kind: 'system' }

/** How a federated user came in; the groups that the mapping gave him live as long as the token. */
export interface Federation {
  groupIds: readonly string[]
  identityProviderId: string
  protocolId: string
}

export interface TokenPayload {
  userId: string
  methods: readonly string[]
  scope: Scope
  /** Milliseconds since the epoch. */
  expiresAt: number
  /** Own audit id first, then that of the first token of the chain. */
  auditIds: readonly string[]
  /** At most one of these is set: what the token was delegated by. */
  applicationCredentialId?: string
  trustId?: string
  accessTokenId?: string
  federation?: Federation
  /** SHA-256 of the client certificate that the token is bound to (OAuth 2.0 mutual TLS). */
  thumbprint?: string
}

const version = {
  unscoped: 0,
  domain: 1,
  project: 2,
  trust: 3,
  federatedUnscoped: 4,
  federatedProject: 5,
  federatedDomain: 6,
  oauth1: 7,
  system: 8,
  applicationCredential: 9,
  oauth2: 10,
} as const

type Packed = [boolean, Uint8Array | string]

const isHex = (id: string) => /^[0-9a-f]{32}$/.test(id)
const pack = (id: string): Packed => (isHex(id) ? [true, Buffer.from(id, 'hex')] : [false, id])
const unpack = ([isBytes, value]: Packed): string =>
  typeof value === 'string' ? value : Buffer.from(value).toString(isBytes ? 'hex' : 'utf8')
const bare = (id: string): Uint8Array | string => (isHex(id) ? Buffer.from(id, 'hex') : id)
const unbare = (value: unknown): string =>
  typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString('hex')

/** Marks of tokens that no method of `[auth] methods` has made. Their bits are keystone's: high, so that none moves. */
const marks: readonly (readonly [string, number])[] = [
  ['ec2credential', 2 ** 32],
  ['oauth2_credential', 2 ** 33],
]

/** A method's bit is its place in `[auth] methods`. Numbers, not bitwise operators: those end at 32 bits. */
const bitsOf = (known: readonly string[]) => [
  ...known.map((method, place) => [method, 2 ** place] as const),
  ...marks.filter(([method]) => !known.includes(method)),
]

/** The methods as one number; those that are neither configured nor marks have no bit, as in keystone. */
export const methodBits = (methods: readonly string[], known: readonly string[]): number =>
  bitsOf(known).reduce((sum, [method, bit]) => (methods.includes(method) ? sum + bit : sum), 0)

export const methodsOf = (bits: number, known: readonly string[]): string[] =>
  bitsOf(known).flatMap(([method, bit]) => (Math.floor(bits / bit) % 2 === 1 ? [method] : []))

/** Packs a payload; `known` is `[auth] methods`. */
export function packPayload(payload: TokenPayload, known: readonly string[]): Uint8Array {
  const { scope } = payload
  const user = pack(payload.userId)
  const bits = methodBits(payload.methods, known)
  const expires = payload.expiresAt / 1000
  const audit = payload.auditIds.map((id) => Buffer.from(id, 'base64url'))
  // What the trustor gives needs no groups of the trustee's.
  if (payload.federation && payload.trustId === undefined)
    return packFederated(payload, payload.federation, [user, bits], [expires, audit])
  switch (scope.kind) {
    case 'unscoped':
      return encode([version.unscoped, user, bits, expires, audit])
    case 'domain':
      return encode([version.domain, user, bits, bare(scope.domainId), expires, audit])
    case 'system':
      return encode([version.system, user, bits, 'all', expires, audit])
    case 'project': {
      const project = pack(scope.projectId)
      if (payload.trustId !== undefined)
        return encode([version.trust, user, bits, project, expires, audit, bare(payload.trustId)])
      if (payload.accessTokenId !== undefined)
        return encode([version.oauth1, user, bits, project, pack(payload.accessTokenId), expires, audit])
      if (payload.thumbprint !== undefined)
        return encode([version.oauth2, user, bits, project, [false, null], expires, audit, pack(payload.thumbprint)])
      if (payload.applicationCredentialId !== undefined)
        return encode([
          version.applicationCredential,
          user,
          bits,
          project,
          expires,
          audit,
          pack(payload.applicationCredentialId),
        ])
      return encode([version.project, user, bits, project, expires, audit])
    }
  }
}

function packFederated(
  { scope }: TokenPayload,
  { groupIds, identityProviderId, protocolId }: Federation,
  head: unknown[],
  tail: unknown[],
): Uint8Array {
  const how = [groupIds.map(pack), pack(identityProviderId), protocolId, ...tail]
  switch (scope.kind) {
    case 'project':
      return encode([version.federatedProject, ...head, pack(scope.projectId), ...how])
    case 'domain':
      return encode([version.federatedDomain, ...head, pack(scope.domainId), ...how])
    case 'unscoped':
      return encode([version.federatedUnscoped, ...head, ...how])
    case 'system':
      // Keystone has no form for this; a federated user's roles on the system need no groups of the assertion.
      return encode([version.system, ...head, 'all', ...tail])
  }
}

/** Reads a payload; undefined when it is none of ours. */
export function unpackPayload(bytes: Uint8Array, known: readonly string[]): TokenPayload | undefined {
  const [kind, user, bits, ...rest] = decode(bytes) as [number, Packed, number, ...unknown[]]
  const make = (scope: Scope, expires: unknown, audit: unknown, more: Partial<TokenPayload> = {}): TokenPayload => ({
    userId: unpack(user),
    methods: methodsOf(bits, known),
    scope,
    expiresAt: Math.round(Number(expires) * 1000),
    auditIds: (audit as Uint8Array[]).map((id) => Buffer.from(id).toString('base64url')),
    ...more,
  })
  const project = (): Scope => ({ kind: 'project', projectId: unpack(rest[0] as Packed) })
  switch (kind) {
    case version.unscoped:
      return make({ kind: 'unscoped' }, rest[0], rest[1])
    case version.domain:
      return make({ kind: 'domain', domainId: unbare(rest[0]) }, rest[1], rest[2])
    case version.project:
      return make(project(), rest[1], rest[2])
    case version.system:
      return make({ kind: 'system' }, rest[1], rest[2])
    case version.trust:
      return make(project(), rest[1], rest[2], { trustId: unbare(rest[3]) })
    case version.oauth1:
      return make(project(), rest[2], rest[3], { accessTokenId: unpack(rest[1] as Packed) })
    case version.applicationCredential:
      return make(project(), rest[1], rest[2], { applicationCredentialId: unpack(rest[3] as Packed) })
    case version.oauth2:
      return make(project(), rest[2], rest[3], { thumbprint: unpack(rest[4] as Packed) })
    case version.federatedUnscoped:
      return make({ kind: 'unscoped' }, rest[3], rest[4], { federation: federationOf(rest) })
    case version.federatedProject:
      return make(project(), rest[4], rest[5], { federation: federationOf(rest.slice(1)) })
    case version.federatedDomain:
      return make({ kind: 'domain', domainId: unpack(rest[0] as Packed) }, rest[4], rest[5], {
        federation: federationOf(rest.slice(1)),
      })
    default:
      return undefined
  }
}

const federationOf = ([groups, provider, protocol]: unknown[]): Federation => ({
  groupIds: (groups as Packed[]).map(unpack),
  identityProviderId: unpack(provider as Packed),
  protocolId: protocol as string,
})
