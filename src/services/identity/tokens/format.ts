/** How tokens are written: fernet (encrypted, keys in a repository) or JWS (signed, ES256). */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decrypt, encrypt, type FernetKey } from './fernet.ts'
import { KeyRepositoryError, readKeys } from './key-repository.ts'
import { packPayload, unpackPayload, type Scope, type TokenPayload } from './payload.ts'

/** A token that opened: what it holds and when it was made, in whole seconds. */
export interface Opened {
  payload: TokenPayload
  seconds: number
}

/** Writes and reads tokens. Reading says nothing of their validity but that this cloud made them. */
export interface TokenFormat {
  seal(payload: TokenPayload, seconds: number): string
  open(token: string): Opened | undefined
  /** Reads the keys anew, after a rotation. Throws KeyRepositoryError when that cannot be. */
  reload(): void
}

/** Tokens of federated users name their groups and may be longer than `[DEFAULT] max_token_size`. */
const longestFernet = 4096

/** `longest` is `[DEFAULT] max_token_size`. */
export function fernetFormat(folder: string, methods: readonly string[], longest: number): TokenFormat {
  let keys: FernetKey[] = readKeys(folder)
  return {
    seal: (payload, seconds) => encrypt(keys[0]!, packPayload(payload, methods), seconds),
    open(token) {
      if (token.length > Math.max(longest, longestFernet)) return undefined
      const opened = decrypt(keys, token)
      const payload = opened && unpackPayload(opened.payload, methods)
      return payload && { payload, seconds: opened.seconds }
    },
    reload: () => void (keys = readKeys(folder)),
  }
}

const header = Buffer.from('{"typ":"JWT","alg":"ES256"}').toString('base64url')
const longestJws = 8192

/** Tokens that every holder of a public key can check. Claims as keystone's jws provider names them. */
export function jwsFormat(privateFolder: string, publicFolder: string): TokenFormat {
  let keys = readPair(privateFolder, publicFolder)
  return {
    seal(payload, seconds) {
      const body = `${header}.${Buffer.from(JSON.stringify(claimsOf(payload, seconds))).toString('base64url')}`
      const signature = sign('sha256', Buffer.from(body), { key: keys.signing, dsaEncoding: 'ieee-p1363' })
      return `${body}.${signature.toString('base64url')}`
    },
    open(token) {
      const parts = token.length > longestJws ? [] : token.split('.')
      if (parts.length !== 3 || algorithmOf(parts[0]!) !== 'ES256') return undefined
      const signature = Buffer.from(parts[2]!, 'base64url')
      if (signature.toString('base64url') !== parts[2]) return undefined
      const body = Buffer.from(`${parts[0]}.${parts[1]}`)
      const isOurs = keys.verifying.some((key) => verify('sha256', body, { key, dsaEncoding: 'ieee-p1363' }, signature))
      return isOurs ? openedOf(JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()) as Claims) : undefined
    },
    reload: () => void (keys = readPair(privateFolder, publicFolder)),
  }
}

function algorithmOf(text: string): unknown {
  try {
    return (JSON.parse(Buffer.from(text, 'base64url').toString()) as { alg?: unknown }).alg
  } catch {
    return undefined
  }
}

interface Claims {
  sub: string
  iat: number
  exp: number
  openstack_methods: string[]
  openstack_audit_ids: string[]
  openstack_system?: string
  openstack_domain_id?: string
  openstack_project_id?: string
  openstack_trust_id?: string
  openstack_group_ids?: { id: string }[]
  openstack_idp_id?: string
  openstack_protocol_id?: string
  openstack_access_token_id?: string
  openstack_app_cred_id?: string
  openstack_thumbprint?: string
}

function claimsOf(payload: TokenPayload, seconds: number): Claims {
  const { scope, federation } = payload
  return {
    sub: payload.userId,
    iat: seconds,
    exp: Math.floor(payload.expiresAt / 1000),
    openstack_methods: [...payload.methods],
    openstack_audit_ids: [...payload.auditIds],
    ...(scope.kind === 'system' && { openstack_system: 'all' }),
    ...(scope.kind === 'domain' && { openstack_domain_id: scope.domainId }),
    ...(scope.kind === 'project' && { openstack_project_id: scope.projectId }),
    ...(payload.trustId !== undefined && { openstack_trust_id: payload.trustId }),
    ...(payload.accessTokenId !== undefined && { openstack_access_token_id: payload.accessTokenId }),
    ...(payload.applicationCredentialId !== undefined && { openstack_app_cred_id: payload.applicationCredentialId }),
    ...(payload.thumbprint !== undefined && { openstack_thumbprint: payload.thumbprint }),
    ...(federation && {
      openstack_group_ids: federation.groupIds.map((id) => ({ id })),
      openstack_idp_id: federation.identityProviderId,
      openstack_protocol_id: federation.protocolId,
    }),
  }
}

function openedOf(claims: Claims): Opened {
  const scope: Scope =
    claims.openstack_system !== undefined
      ? { kind: 'system' }
      : claims.openstack_project_id !== undefined
        ? { kind: 'project', projectId: claims.openstack_project_id }
        : claims.openstack_domain_id !== undefined
          ? { kind: 'domain', domainId: claims.openstack_domain_id }
          : { kind: 'unscoped' }
  const payload: TokenPayload = {
    userId: claims.sub,
    methods: claims.openstack_methods,
    scope,
    expiresAt: claims.exp * 1000,
    auditIds: claims.openstack_audit_ids,
    ...(claims.openstack_trust_id !== undefined && { trustId: claims.openstack_trust_id }),
    ...(claims.openstack_access_token_id !== undefined && { accessTokenId: claims.openstack_access_token_id }),
    ...(claims.openstack_app_cred_id !== undefined && { applicationCredentialId: claims.openstack_app_cred_id }),
    ...(claims.openstack_thumbprint !== undefined && { thumbprint: claims.openstack_thumbprint }),
    ...(claims.openstack_idp_id !== undefined && {
      federation: {
        groupIds: (claims.openstack_group_ids ?? []).map(({ id }) => id),
        identityProviderId: claims.openstack_idp_id,
        protocolId: claims.openstack_protocol_id ?? '',
      },
    }),
  }
  return { payload, seconds: claims.iat }
}

function readPair(privateFolder: string, publicFolder: string): { signing: KeyObject; verifying: KeyObject[] } {
  const remedy = "run 'nephos keystone-manage create_jws_keypair' and put the files there"
  const privateFile = join(privateFolder, 'private.pem')
  if (!existsSync(privateFile))
    throw new KeyRepositoryError(`[jwt_tokens] jws_private_key_repository: ${privateFile} does not exist: ${remedy}`)
  const files = existsSync(publicFolder) ? readdirSync(publicFolder) : []
  if (files.length === 0)
    throw new KeyRepositoryError(`[jwt_tokens] jws_public_key_repository: ${publicFolder} holds no key: ${remedy}`)
  return {
    signing: createPrivateKey(readFileSync(privateFile)),
    verifying: files.map((file) => createPublicKey(readFileSync(join(publicFolder, file)))),
  }
}
