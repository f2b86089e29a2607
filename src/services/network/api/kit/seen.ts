/** What a caller may see of resources and set of their attributes: policies, those of attributes too. */
import type { Context } from '../../../../platform/auth/context.ts'
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import type { NetworkDeps } from '../../deps.ts'
import { attributePolicy, guardedAttributes, policy } from '../../policies.ts'
import type { NetworkDb, Owned, OwnedTable, Row } from '../../store/rows.ts'
import { tagsOf } from '../../store/tags.ts'
import type { Collection } from './collection.ts'
import type { View } from './listing.ts'

/** A row that the caller may see. Throws the collection's 404 for those of others too. */
export async function visible<T extends OwnedTable>(
  collection: Collection<T>,
  ctx: Context,
  db: NetworkDb,
  id: string,
): Promise<{ row: Row<T> & Owned; target: PolicyTarget }> {
  const row = (await collection.find(db, { id })) as (Row<T> & Owned) | undefined
  const target = row && (await collection.targets(db, [row]))(row)
  if (!row || !target || !ctx.can(policy(`get_${collection.singular}`), target)) throw collection.notFound({ id })
  return { row, target }
}

/** How rows look to the caller: with tags, without what he may not see. What is only filtered by is there still. */
export async function seen<T extends OwnedTable>(
  collection: Collection<T>,
  ctx: Context,
  deps: NetworkDeps,
  rows: readonly Row<T>[],
  targetOf: (row: Row<T>) => PolicyTarget,
): Promise<View[]> {
  const { db } = deps.database
  const views = await collection.views(db, rows, deps)
  if (collection.tags) {
    const ids = views.map(({ id }) => id)
    const tags = await tagsOf(db, collection.tags, ids)
    for (const view of views) view['tags'] = tags.get(view.id) ?? []
  }
  const guarded = guardedAttributes(collection.singular)
  const rules = guarded.map((name) => [name, attributePolicy(`get_${collection.singular}`, name)!] as const)
  for (const [index, view] of views.entries()) {
    for (const [name, rule] of rules) {
      if (Object.hasOwn(view, name) && !ctx.can(rule, targetOf(rows[index]!))) delete view[name]
    }
  }
  return views
}

export function withoutHidden({ hidden = [] }: Pick<Collection, 'hidden'>, views: readonly View[]): readonly View[] {
  for (const view of views) for (const name of hidden) delete view[name]
  return views
}

/** Each attribute in the body that is somebody's privilege is refused by its own rule, parts of attributes too. */
export function authorizeAttributes(
  ctx: Context,
  action: string,
  input: object,
  target: PolicyTarget,
  defaults: Readonly<Record<string, unknown>> = {},
): void {
  for (const [name, value] of Object.entries(input)) {
    // Who creates something says nothing new with the value it would have anyway.
    if (value === undefined || (Object.hasOwn(defaults, name) && defaults[name] === value)) continue
    const rule = attributePolicy(action, name)
    if (rule) ctx.authorize(rule, target)
    const parts = [value].flat().filter((each): each is object => typeof each === 'object' && each !== null)
    for (const part of new Set(parts.flatMap((each) => Object.keys(each)))) {
      const inner = attributePolicy(action, `${name}:${part}`)
      if (inner) ctx.authorize(inner, target)
    }
  }
}
