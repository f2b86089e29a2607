import type { IdentityDeps } from '../../deps.ts'
import type { IdentityDb } from '../../store/rows.ts'
import { findRow } from '../../store/rows.ts'
import type { ValidToken } from '../../tokens/provider.ts'

const isoMicros = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z')
const ref = (row: { id: string; name: string }) => ({ id: row.id, name: row.name })

/** A token as the API shows it. */
export async function viewToken({ database: { db }, catalog }: IdentityDeps, valid: ValidToken, withCatalog: boolean) {
  const { payload, user, userDomain } = valid
  const isScoped = payload.scope.kind !== 'unscoped'
  return {
    methods: payload.methods,
    user: {
      domain: ref(userDomain),
      id: user.id,
      name: user.name,
      password_expires_at: user.password_expires_at === null ? null : isoMicros(Number(user.password_expires_at)),
    },
    audit_ids: payload.auditIds,
    expires_at: isoMicros(payload.expiresAt),
    issued_at: isoMicros(valid.issuedAt),
    ...(valid.project && {
      project: { domain: ref(valid.projectDomain!), id: valid.project.id, name: valid.project.name },
      is_domain: valid.project.is_domain === 1,
    }),
    ...(valid.domain && { domain: ref(valid.domain) }),
    ...(payload.scope.kind === 'system' && { system: { all: true } }),
    ...(isScoped && { roles: valid.roles }),
    ...(isScoped && withCatalog && { catalog: await catalog.of(user.id, valid.project?.id ?? null) }),
    ...(payload.applicationCredentialId !== null && {
      application_credential: await credentialView(db, payload.applicationCredentialId),
    }),
  }
}

async function credentialView(db: IdentityDb, id: string) {
  const row = await findRow(db, 'application_credentials', { id })
  return { id, name: row?.name ?? '', restricted: row?.unrestricted !== 1 }
}
