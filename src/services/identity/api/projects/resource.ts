import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { BadRequest, Forbidden } from '../../../../platform/http/errors.ts'
import { last, type Query } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../../errors.ts'
import { deleteProjects } from '../../operations/delete-domain.ts'
import { mostProjectLevels, unsafeCharacters } from '../../model/projects.ts'
import type { Filter } from '../../store/listing.ts'
import { projectsAbove, projectsBelow, setTags, tagFilter } from '../../store/projects.ts'
import { findRow, insertRow, listRows, updateRow, type Row } from '../../store/rows.ts'
import { extraOf, newId, type Attributes, type Entity } from '../resource.ts'
import { kinds } from '../schema.ts'
import { expandProject } from './hierarchy.ts'
import { viewProjects } from './view.ts'

const attributes = {
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
  options: Type.Optional(kinds.options),
  tags: Type.Optional(kinds.tags),
  domain_id: Type.Optional(kinds.optionalId),
  parent_id: Type.Optional(kinds.optionalId),
  is_domain: Type.Optional(kinds.boolean),
}
const known = ['name', 'description', 'enabled', 'options', 'tags', 'domain_id', 'parent_id', 'is_domain']

/** The domain of a new entity: the one named, else the caller's. */
export const domainIdFor = (ctx: Context, input: Attributes): string =>
  (input['domain_id'] as string | null | undefined) ?? ctx.domainId ?? ctx.projectDomainId ?? 'default'

/** Throws IdentityNotFound unless the domain exists. */
export async function requireDomain(deps: IdentityDeps, id: string): Promise<Row<'projects'>> {
  const domain = await findRow(deps.database.db, 'projects', { id, is_domain: 1 })
  if (!domain) throw new IdentityNotFound('domain', id)
  return domain
}

const duplicate = (row: { id: string; name: string; is_domain: number }) =>
  new IdentityConflict(
    'project',
    row.is_domain === 1
      ? `it is not permitted to have two projects acting as domains with the same name: ${row.name}`
      : `it is not permitted to have two projects with either the same name or same id in the same domain: name is ${row.name}, project id ${row.id}`,
  )

function requireSafeName({ config }: IdentityDeps, name: string) {
  const found = config.projectNameUrlSafe === 'off' ? '' : unsafeCharacters(name)
  if (found !== '') throw new BadRequest(`Project name cannot contain the following reserved characters: ${found}`)
}

/** Domain and parent of a new project: they must fit, be enabled, and leave room for one more level. */
async function placeOf(deps: IdentityDeps, input: Attributes, ctx: Context) {
  const { db } = deps.database
  const domainId = domainIdFor(ctx, input)
  const domain = await findRow(db, 'projects', { id: domainId, is_domain: 1 })
  if (!domain) throw new BadRequest(`Could not find domain: ${domainId}.`)
  const parentId = (input['parent_id'] as string | null | undefined) || domainId
  const parent = parentId === domainId ? domain : await findRow(db, 'projects', { id: parentId })
  if (!parent) throw new BadRequest(`Could not find project: ${parentId}.`)
  if (parent.is_domain === 1 && parent.id !== domainId) {
    throw new BadRequest(
      `Cannot create project, the parent (${parent.id}) is acting as a domain, but this project's domain id (${domainId}) does not match the parent's id.`,
    )
  }
  if (parent.is_domain === 0 && parent.domain_id !== domainId) {
    throw new BadRequest(
      `Cannot create project, since it specifies its domain_id ${domainId}, but specifies a parent in a different domain (${parent.domain_id}).`,
    )
  }
  const above = [parent, ...(await projectsAbove(db, parent))]
  const disabled = above.findLast((project) => project.enabled === 0)
  if (disabled) {
    throw new BadRequest(`cannot create a project in a branch containing a disabled project: ${disabled.id}`)
  }
  if (above.length + 1 > mostProjectLevels(deps.config) + 1) {
    throw new Forbidden(`Max hierarchy depth reached for ${parent.id} branch.`)
  }
  return { domain_id: domainId, parent_id: parentId }
}

/** Enabling needs enabled parents, disabling a subtree that is disabled already. */
async function checkEnabling({ database: { db } }: IdentityDeps, row: Row<'projects'>, enabled: boolean) {
  if (enabled && row.enabled === 0 && (await projectsAbove(db, row)).some((above) => above.enabled === 0)) {
    throw new Forbidden(`Cannot enable project ${row.id} since it has disabled parents`)
  }
  const isDisabling = !enabled && row.enabled === 1 && row.is_domain === 0
  if (isDisabling && (await projectsBelow(db, row.id)).some((below) => below.enabled === 1)) {
    throw new Forbidden(`Cannot disable project ${row.id} since its subtree contains enabled projects.`)
  }
}

const isDomainAsked = (input: Attributes) => input['is_domain'] === true

function requireFixed(row: Row<'projects'>, input: Attributes) {
  const parentId = input['parent_id']
  if (parentId !== undefined && parentId !== row.parent_id) throw new Forbidden('Update of `parent_id` is not allowed.')
  if (input['is_domain'] !== undefined && Number(input['is_domain']) !== row.is_domain) {
    throw new BadRequest('Update of `is_domain` is not allowed.')
  }
  if (input['domain_id'] !== undefined && (input['domain_id'] ?? '') !== row.domain_id) {
    throw new BadRequest('Cannot change Domain ID')
  }
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

export const projects: Entity<'projects'> = {
  table: 'projects',
  singular: 'project',
  plural: 'projects',
  section: 'resource',
  ownDomain: 'domain_id',
  create: { name: kinds.shortName, ...attributes },
  update: { name: Type.Optional(kinds.shortName), ...attributes },
  filters: {
    name: { column: 'name' },
    domain_id: { column: 'domain_id' },
    parent_id: { column: 'parent_id' },
    enabled: { column: 'enabled', kind: 'boolean' },
    is_domain: { column: 'is_domain', kind: 'boolean' },
  },
  conditions,
  view: async (row, deps) => (await viewProjects([row], deps))[0]!,
  viewAll: viewProjects,
  expand: expandProject,
  target: (row) => ({ target: { project: { id: row.id, domain_id: row.domain_id === '' ? null : row.domain_id } } }),
  newTarget: (ctx, input) => ({
    target: { project: { domain_id: isDomainAsked(input) ? null : domainIdFor(ctx, input) } },
  }),
  async insert(deps, input, ctx) {
    const name = (input['name'] as string).trim()
    requireSafeName(deps, name)
    if (isDomainAsked(input) && input['parent_id'] != null) {
      throw new BadRequest('only root projects are allowed to act as domains.')
    }
    const place = isDomainAsked(input) ? { domain_id: '', parent_id: null } : await placeOf(deps, input, ctx)
    const row = {
      id: newId(),
      name,
      ...place,
      is_domain: isDomainAsked(input) ? 1 : 0,
      enabled: input['enabled'] === false ? 0 : 1,
      description: (input['description'] as string | null | undefined) ?? '',
      options: JSON.stringify(input['options'] ?? {}),
      extra: extraOf(input, known),
    }
    await deps.database.transaction(async (tx) => {
      if (!(await insertRow(tx, 'projects', row))) throw duplicate(row)
      if (input['tags']) await setTags(tx, row.id, input['tags'] as string[])
    })
    return row
  },
  async change(deps, row, input) {
    requireFixed(row, input)
    const name = (input['name'] as string | undefined)?.trim()
    if (name !== undefined && name !== row.name) requireSafeName(deps, name)
    if (input['enabled'] !== undefined) await checkEnabling(deps, row, input['enabled'] as boolean)
    const changes = {
      ...(name !== undefined && { name }),
      ...(input['description'] !== undefined && { description: (input['description'] as string | null) ?? '' }),
      ...(input['enabled'] !== undefined && { enabled: input['enabled'] ? 1 : 0 }),
      ...(input['options'] !== undefined && { options: JSON.stringify(input['options']) }),
      extra: extraOf(input, known, row.extra),
    }
    return deps.database.transaction(async (tx) => {
      if ((await updateRow(tx, 'projects', row.id, changes)) === 'taken') throw duplicate({ ...row, name: name! })
      if (input['tags']) await setTags(tx, row.id, input['tags'] as string[])
      return (await findRow(tx, 'projects', { id: row.id }))!
    })
  },
  async remove({ database }, row) {
    if (row.is_domain === 1) throw new Forbidden('Delete domains through /v3/domains.')
    const children = await listRows(database.db, 'projects', [{ column: 'parent_id', operator: '=', value: row.id }], 1)
    if (children.length > 0) {
      throw new Forbidden(
        `Cannot delete the project ${row.id} since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.`,
      )
    }
    await database.transaction((tx) => deleteProjects(tx, [row.id]))
  },
}
