/** The queries that every kind of entity shares; those with a story have files of their own. */
import type { Selectable } from 'kysely'
import type { Db } from '../../../platform/db/database.ts'
import { rowsOf, type WhereOf } from '../../../platform/db/rows.ts'
import { changesWithKey, isCalled, isNamed, withKey } from './names.ts'
import type { IdentitySchema } from './tables.ts'

export type Table = keyof IdentitySchema
export type Row<T extends Table> = Selectable<IdentitySchema[T]>
export type Where<T extends Table> = WhereOf<IdentitySchema, T>
export type IdentityDb = Db<IdentitySchema>

type WithoutId = { [T in Table]: Row<T> extends { id: unknown } ? never : T }[Table]
/** Tables whose rows have no id of their own. */
const withoutId: Readonly<Record<WithoutId, true>> = {
  application_credential_access_rules: true,
  assignments: true,
  domain_options: true,
  expiring_memberships: true,
  federated_users: true,
  id_mappings: true,
  idp_remote_ids: true,
  implied_roles: true,
  leases: true,
  memberships: true,
  password_history: true,
  periodics: true,
  policy_associations: true,
  project_endpoint_groups: true,
  project_endpoints: true,
  project_tags: true,
  quota_locks: true,
}

export const { listRows, findRow, pageRows, insertRow, updateRow, deleteRows } = rowsOf<IdentitySchema>({
  orderOf: (table) => (Object.hasOwn(withoutId, table) ? [] : ['id']),
  equals: (table, column, value) =>
    isNamed(table) && column === 'name' && !Array.isArray(value) ? isCalled(table, String(value)) : undefined,
  written: (table, values, isNew) => (isNew ? withKey(table, values) : changesWithKey(table, values)),
})
