import type { IdentityDb } from '../../store/rows.ts'
import { listCatalog } from '../../store/roles.ts'
import { findRow } from '../../store/rows.ts'
import type { ValidToken } from '../../tokens/provider.ts'

const isoMicros = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z')
const ref = (row: { id: string; name: string }) => ({ id: row.id, name: row.name })

/** A token as the API shows it. */
export async function viewToken(db: IdentityDb, valid: ValidToken, withCatalog: boolean) {
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
    ...(isScoped && withCatalog && { catalog: await viewCatalog(db, valid) }),
    ...(payload.applicationCredentialId !== null && {
      application_credential: await credentialView(db, payload.applicationCredentialId),
    }),
  }
}

async function credentialView(db: IdentityDb, id: string) {
  const row = await findRow(db, 'application_credentials', { id })
  return { id, name: row?.name ?? '', restricted: row?.unrestricted !== 1 }
}

/**
 * The catalog with a project's and user's ids in the addresses. Only these variables are replaced, whatever an
 * endpoint's address says (OSSA-2014-029).
 */
export async function viewCatalog(db: IdentityDb, valid: ValidToken) {
  const values: Record<string, string> = {
    tenant_id: valid.project?.id ?? '',
    project_id: valid.project?.id ?? '',
    user_id: valid.user.id,
  }
  const services = new Map<string, { endpoints: object[]; id: string; type: string; name: string }>()
  for (const row of await listCatalog(db)) {
    const isPerProject = /[$%]\((tenant_id|project_id)\)s/.test(row.url)
    if (isPerProject && !valid.project) continue
    let service = services.get(row.service_id)
    if (!service)
      services.set(
        row.service_id,
        (service = { endpoints: [], id: row.service_id, type: row.type, name: row.name ?? '' }),
      )
    const url = row.url.replace(/[$%]\((\w+)\)s/g, (whole, name: string) =>
      Object.hasOwn(values, name) ? values[name]! : whole,
    )
    service.endpoints.push({
      id: row.id,
      interface: row.interface,
      region_id: row.region_id,
      url,
      region: row.region_id,
    })
  }
  return [...services.values()]
}
