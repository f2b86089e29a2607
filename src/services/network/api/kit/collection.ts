/** What neutron's resources are: rows with an owner, filters, tags, and attributes that are somebody's privilege. */
import type { TObject } from 'typebox'
import type { Params, Resource } from '../../../../platform/api/resource.ts'
import type { TargetOf } from '../../../../platform/api/listing.ts'
import type { Context } from '../../../../platform/auth/context.ts'
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import type { ServiceError } from '../../../../platform/errors.ts'
import type { NetworkDeps } from '../../deps.ts'
import { findRow, type NetworkDb, type OwnedTable, type Row, type Scope } from '../../store/rows.ts'
import type { Taggable } from '../../store/tags.ts'
import type { Attributes } from './attributes.ts'
import type { View } from './listing.ts'
import { ownedBy } from './targets.ts'

interface CollectionSpec<T extends OwnedTable> extends Attributes {
  /** `security_group`; the plural is this with an s, the path has hyphens. */
  singular: string
  table: T
  /** Set where its resources may have tags. */
  tags?: Taggable
  /** Those of the filters that are text columns, for the database to narrow the list by. */
  columns: readonly string[]
  /** Attributes that may be filtered by and are never shown. */
  hidden?: readonly string[]
  /** How its resources look, before tags and policies. */
  answer: TObject
  /** What a caller who is neither administrator nor service can see at most; policies have the last word. */
  scope(ctx: Context): Scope
  notFound(id: string): ServiceError
  /** What the policies of these rows ask for, read at once. */
  targets(db: NetworkDb, rows: readonly Row<T>[]): Promise<TargetOf<Row<T>>>
  /** How these rows look, whatever has to be read for it read at once. */
  views(db: NetworkDb, rows: readonly Row<T>[], deps: NetworkDeps): Promise<View[]>
}

export interface Collection<T extends OwnedTable = OwnedTable>
  extends
    Omit<CollectionSpec<T>, 'notFound' | 'targets' | 'views' | 'answer' | 'singular'>,
    Resource<Row<T>, NetworkDeps, NetworkDb> {
  find(db: NetworkDb, params: Params): Promise<Row<T> | undefined>
  targets(db: NetworkDb, rows: readonly Row<T>[]): Promise<TargetOf<Row<T>>>
  views(db: NetworkDb, rows: readonly Row<T>[], deps: NetworkDeps): Promise<View[]>
}

export function collection<T extends OwnedTable, Tags extends Taggable | undefined = undefined>(
  spec: CollectionSpec<T> & { tags?: Tags },
): Collection<T> & { tags: Tags } {
  const plural = `${spec.singular}s`
  return {
    ...spec,
    tags: spec.tags as Tags,
    plural,
    path: `/${plural.replaceAll('_', '-')}`,
    find: (db, { id }) => findRow(db, spec.table, { id } as never),
    notFound: ({ id = '' }) => spec.notFound(id),
  }
}

/** Facts of a resource whose owner alone decides. */
export const owned = (row: { project_id: string }): PolicyTarget => ownedBy(row.project_id)
export const ownedTargets = () => Promise.resolve(owned)
/** What a project has of its own; who is above projects sees all. */
export const ownScope = (ctx: Context): Scope => ({ any: [['project_id', ctx.projectId ?? '']] })
export const ownOrSharedScope = (ctx: Context): Scope => ({
  any: [
    ['project_id', ctx.projectId ?? ''],
    ['shared', 1],
  ],
})
/** What a caller may see at most; undefined for all. */
export const scopeFor = (ctx: Context, { scope }: Pick<Collection, 'scope'>): Scope | undefined =>
  ctx.isAdmin || ctx.roles.includes('service') || ctx.roles.includes('advsvc') ? undefined : scope(ctx)
