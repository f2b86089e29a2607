import { accessRulesOfEach } from '../../store/application-credentials.ts'
import { listRows, type IdentityDb, type Row } from '../../store/rows.ts'
import { isoMicros } from '../times.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import type { credentialAnswer } from './schema.ts'

type Credential = Row<'application_credentials'>

/** Application credentials as the API shows them; roles and access rules of all with one query each. */
export async function viewCredentials(db: IdentityDb, rows: readonly Credential[], baseUrl: string) {
  const roleIds = [...new Set(rows.flatMap((row) => JSON.parse(row.roles) as string[]))]
  const roles = roleIds.length === 0 ? [] : await listRows(db, 'roles', { id: roleIds })
  const limited = rows.filter((row) => row.is_limited === 1).map((row) => row.id)
  const rules = await accessRulesOfEach(db, limited)
  return rows.map((row): Shown<typeof credentialAnswer> => ({
    id: row.id,
    name: row.name,
    description: row.description,
    project_id: row.project_id,
    user_id: row.user_id,
    expires_at: row.expires_at === null ? null : isoMicros(Number(row.expires_at), row.expires_micros).slice(0, -1),
    unrestricted: row.unrestricted === 1,
    system: null,
    roles: roles
      .filter((role) => (JSON.parse(row.roles) as string[]).includes(role.id))
      .map((role) => ({ id: role.id, name: role.name, domain_id: role.domain_id || null })),
    ...(row.is_limited === 1 && { access_rules: rules.get(row.id) ?? [] }),
    links: { self: `${baseUrl}/v3/users/${row.user_id}/application_credentials/${row.id}` },
  }))
}
