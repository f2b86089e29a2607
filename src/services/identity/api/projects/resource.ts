import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { Invalid, Forbidden } from '../../../../platform/errors.ts'
import { last, type Query } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { deleteDomain, deleteProjects } from '../../operations/delete.ts'
import { changeProject, createProject, setTags } from '../../operations/projects.ts'
import type { Filter } from '../../store/listing.ts'
import { tagFilter } from '../../store/projects.ts'
import { findRow, listRows, type Row } from '../../store/rows.ts'
import { requireDeletable, requireMutable } from '../immutable.ts'
import { entity } from '../kit/entity.ts'
import { extraOf } from '../kit/extra.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { kinds } from '../schema.ts'
import { expandProject, projectExpansion } from './hierarchy.ts'
import { projectAnswer, viewProjects } from './view.ts'

const attributes = {
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
  is_domain: Type.Optional(kinds.boolean),
  options: Type.Optional(kinds.options),
  parent_id: Type.Optional(kinds.optionalId),
  tags: Type.Optional(kinds.tags),
  domain_id: Type.Optional(kinds.optionalId),
}
const known = ['name', 'description', 'enabled', 'options', 'tags', 'domain_id', 'parent_id', 'is_domain']

/** The domain of a new entity: the one named, else the caller's. */
export const domainIdFor = (ctx: Context, input: { domain_id?: string | null }): string =>
  input.domain_id ?? ctx.domainId ?? ctx.projectDomainId ?? 'default'

/** Throws IdentityNotFound unless the domain exists. */
export async function requireDomain(deps: IdentityDeps, id: string): Promise<Row<'projects'>> {
  const domain = await findRow(deps.database.db, 'projects', { id, is_domain: 1 })
  if (!domain) throw new IdentityNotFound('domain', id)
  return domain
}

/** The domain of a new project: '' where it is one itself, else the one that is named, its parent's or the caller's. */
async function domainIdOf(
  { database: { db } }: IdentityDeps,
  input: { domain_id?: string | null; parent_id?: string | null; is_domain?: boolean },
  ctx: Context,
): Promise<string> {
  if (input.is_domain === true) return ''
  if (input.domain_id != null) return input.domain_id
  const id = input.parent_id ?? null
  const parent = id === null ? undefined : await findRow(db, 'projects', { id })
  return parent ? parent.domain_id || parent.id : domainIdFor(ctx, input)
}

function conditions(query: Query): Filter[] {
  const byTags = ['tags', 'tags-any', 'not-tags', 'not-tags-any'].flatMap((name) => {
    const tags = last(query, name)
    return tags === undefined
      ? []
      : [tagFilter(tags.split(','), { any: name.endsWith('-any'), not: name.startsWith('not-') })]
  })
  return 'is_domain' in query ? byTags : [{ column: 'is_domain', comparator: '=', value: 0 }, ...byTags]
}

export const projects = entity({
  table: 'projects',
  singular: 'project',
  answer: projectAnswer,
  expansion: projectExpansion,
  plural: 'projects',
  filters: {
    name: { column: 'name' },
    domain_id: { column: 'domain_id' },
    parent_id: { column: 'parent_id' },
    enabled: { column: 'enabled', kind: 'boolean' },
    is_domain: { column: 'is_domain', kind: 'boolean' },
  },
  section: 'resource',
  ownDomain: 'domain_id',
  conditions,
  views: viewProjects,
  expand: expandProject,
  target: (row) => ({ target: { project: { id: row.id, domain_id: row.domain_id === '' ? null : row.domain_id } } }),
})

export const projectEntityRoutes = [
  ...readRoutes(projects),
  createRoute(projects, {
    schema: Type.Object({ name: kinds.shortName, ...attributes }),
    target: async (_db, input, _params, ctx, deps) => ({
      target: { project: { domain_id: (await domainIdOf(deps, input, ctx)) || null } },
    }),
    async insert(_db, deps, input, _params, ctx) {
      if (input.is_domain === true && input.parent_id != null)
        throw new Invalid('only root projects are allowed to act as domains.')
      const domainId = await domainIdOf(deps, input, ctx)
      if (input.is_domain !== true) await requireDomain(deps, domainId)
      const row = await createProject(deps, {
        name: input.name,
        domainId,
        parentId: input.parent_id ?? null,
        enabled: input.enabled !== false,
        description: input.description ?? '',
        options: input.options ?? {},
        extra: extraOf(input, known),
      })
      if (input.tags) await setTags(deps, row.id, input.tags)
      return row
    },
  }),
  updateRoute(projects, {
    schema: Type.Object({ name: Type.Optional(kinds.shortName), ...attributes }, { minProperties: 1 }),
    async apply(_db, deps, row, input) {
      requireMutable(row, row.is_domain === 1 ? 'domain' : 'project', input)
      if (input.domain_id !== undefined && (input.domain_id ?? '') !== row.domain_id)
        throw new Invalid('Cannot change Domain ID')
      if (input.parent_id !== undefined && input.parent_id !== row.parent_id)
        throw new Forbidden('Update of `parent_id` is not allowed.')
      if (input.is_domain !== undefined && input.is_domain !== (row.is_domain === 1))
        throw new Invalid('Update of `is_domain` is not allowed.')
      await changeProject(deps, row, { ...input, extra: extraOf(input, known, row.extra) })
      if (input.tags) await setTags(deps, row.id, input.tags)
    },
  }),
  removeRoute(projects, async (_db, { database }, row) => {
    requireDeletable(row, row.is_domain === 1 ? 'domain' : 'project')
    const children = await listRows(database.db, 'projects', { parent_id: row.id }, 1)
    if (children.length > 0)
      throw new Forbidden(
        `Cannot delete the project ${row.id} since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.`,
      )
    if (row.is_domain !== 1) return database.transaction((tx) => deleteProjects(tx, [row.id]))
    if (row.enabled === 1)
      throw new Invalid(
        `cannot delete an enabled project acting as a domain. Please disable the project ${row.id} first.`,
      )
    await deleteDomain(database, row.id)
  }),
]
