/** The queries that all of neutron's tables share; whatever hosts follow is noted as it is written. */
import { expressionBuilder, type Expression, type ExpressionBuilder, type SqlBool } from 'kysely'
import { rowsOf } from '../../../platform/db/rows.ts'
import { isFollowed, noteWrite } from './journal.ts'
import type { NetworkDb, NetworkSchema, Row, Table } from './tables.ts'

export type { NetworkDb, Row, Table } from './tables.ts'
export interface Owned {
  id: string
  project_id: string
  revision: number
}
/** Tables of what belongs to a project. */
export type OwnedTable = {
  [T in Table]: Row<T> extends Owned ? T : never
}[Table]

export const { listRows, findRow, pageRows, insertRow, updateRow, deleteRows } = rowsOf<NetworkSchema>({
  // Where the order is seen from outside: a port shows its addresses as neutron's model sorts them, on every engine.
  orderOf: (table) => (table === 'ip_allocations' ? ['ip', 'subnet_id'] : []),
  journal: { follows: isFollowed, note: noteWrite },
})

/** At most these rows: any of the columns has its value, or the network is one of these. */
export interface Scope {
  readonly any: readonly (readonly [column: string, value: string | number])[]
  readonly networks?: { readonly projectId: string; readonly shared: boolean }
}

/** The conditions of a scope. */
export function inScope(scope: Scope): Expression<SqlBool> {
  const eb = expressionBuilder<ScopedSchema, 't'>()
  return eb.or(conditionsOf(eb, scope))
}

interface ScopedSchema {
  t: Record<string, string | number>
  networks: Row<'networks'>
}

/** The conditions that columns have one of these values. */
export const valuesOf = (where: Readonly<Record<string, readonly string[]>>): Expression<SqlBool>[] =>
  Object.entries(where).map(([column, values]) => expressionBuilder<ScopedSchema, 't'>()(column, 'in', values))

function conditionsOf(eb: ExpressionBuilder<ScopedSchema, 't'>, scope: Scope) {
  const own = scope.any.map(([column, value]) => eb(column, '=', value))
  const { networks } = scope
  if (!networks) return own
  const ids = eb
    .selectFrom('networks')
    .select('id')
    .where((inner) =>
      inner.or([
        inner('networks.project_id', '=', networks.projectId),
        ...(networks.shared ? [inner('networks.shared', '=', 1)] : []),
      ]),
    )
  return [...own, eb('network_id', 'in', ids)]
}

/** Tables whose rows may have tags, and the collection that the tags are kept under. */
const tagged: Partial<Record<Table, string>> = {
  networks: 'networks',
  subnets: 'subnets',
  ports: 'ports',
  routers: 'routers',
  floating_ips: 'floatingips',
  security_groups: 'security-groups',
  subnet_pools: 'subnetpools',
}

/** Removes an entity with its tags. */
export async function deleteEntity(db: NetworkDb, table: Table, id: string): Promise<void> {
  const type = tagged[table]
  if (type !== undefined) await deleteRows(db, 'tags', { resource_type: type, resource_id: id })
  await deleteRows(db, table, { id } as never)
}

/** Columns of a new entity. */
export const newEntity = (projectId: string, input: { name?: unknown; description?: unknown }) => {
  const now = Date.now()
  return {
    id: crypto.randomUUID() as string,
    project_id: projectId,
    name: (input.name as string | undefined) ?? '',
    description: (input.description as string | undefined) ?? '',
    created_at: now,
    updated_at: now,
    revision: 1,
  }
}

/** Columns that every change sets. */
export const touched = (row: { revision: number }) => ({ updated_at: Date.now(), revision: Number(row.revision) + 1 })

/** Raises the revision of an entity whose surroundings changed: its tags, its rules. */
export const touch = (db: NetworkDb, table: OwnedTable, row: { id: string; revision: number }): Promise<boolean> =>
  updateRow(db, table, row.id, touched(row) as never)

export const parseList = <T>(text: string): T[] => JSON.parse(text) as T[]
