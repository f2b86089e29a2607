import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { Forbidden, BadRequest } from '../../../../platform/http/errors.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../../errors.ts'
import { deleteProjects } from '../../operations/delete-domain.ts'
import { findRow, insertRow, listRows, updateRow, type Row } from '../../store/rows.ts'
import { extraOf, newId, type Attributes, type Entity } from '../resource.ts'
import { kinds } from '../schema.ts'
import { viewProject } from './view.ts'

const attributes = {
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
  options: Type.Optional(kinds.options),
  tags: Type.Optional(kinds.tags),
  domain_id: Type.Optional(kinds.optionalId),
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

export async function tagsOf(deps: IdentityDeps, projectId: string): Promise<string[]> {
  const rows = await listRows(deps.database.db, 'project_tags', [
    { column: 'project_id', operator: '=', value: projectId },
  ])
  return rows.map((row) => row.tag).sort()
}

async function setTags(deps: IdentityDeps, projectId: string, tags: readonly string[]) {
  await deps.database.transaction(async (tx) => {
    await tx.deleteFrom('project_tags').where('project_id', '=', projectId).execute()
    for (const tag of tags) await insertRow(tx, 'project_tags', { project_id: projectId, tag })
  })
}

export const projects: Entity<'projects'> = {
  table: 'projects',
  singular: 'project',
  plural: 'projects',
  create: {
    name: kinds.shortName,
    parent_id: Type.Optional(kinds.optionalId),
    is_domain: Type.Optional(kinds.boolean),
    ...attributes,
  },
  update: { name: Type.Optional(kinds.shortName), is_domain: Type.Optional(kinds.boolean), ...attributes },
  filters: {
    name: { column: 'name' },
    domain_id: { column: 'domain_id' },
    parent_id: { column: 'parent_id' },
    enabled: { column: 'enabled', kind: 'boolean' },
    is_domain: { column: 'is_domain', kind: 'boolean' },
  },
  always: [{ column: 'domain_id', operator: '!=', value: '' }],
  view: async (row, deps) => viewProject(row, await tagsOf(deps, row.id)),
  target: (row) => ({ target: { project: { id: row.id, domain_id: row.domain_id === '' ? null : row.domain_id } } }),
  newTarget: (ctx, input) => ({ target: { project: { domain_id: domainIdFor(ctx, input) } } }),
  mayList: (ctx, row) => row.domain_id === ctx.domainId,
  async insert(deps, input, ctx) {
    if (input['is_domain'] === true) throw new BadRequest('Create domains through /v3/domains.')
    const parentId = (input['parent_id'] as string | null | undefined) ?? null
    const parent = parentId === null ? undefined : await findRow(deps.database.db, 'projects', { id: parentId })
    if (parentId !== null && !parent) throw new IdentityNotFound('project', parentId)
    const parentDomain = parent && (parent.is_domain === 1 ? parent.id : parent.domain_id)
    const domainId = (input['domain_id'] as string | undefined) ?? parentDomain ?? domainIdFor(ctx, input)
    await requireDomain(deps, domainId)
    if (parentDomain !== undefined && parentDomain !== domainId) {
      throw new BadRequest('Invalid parent project: its domain is not the domain of the new project.')
    }
    const row = {
      id: newId(),
      name: input['name'] as string,
      domain_id: domainId,
      parent_id: parentId ?? domainId,
      is_domain: 0,
      enabled: input['enabled'] === false ? 0 : 1,
      description: (input['description'] as string | null | undefined) ?? '',
      options: JSON.stringify(input['options'] ?? {}),
      extra: extraOf(input, known),
    }
    if (!(await insertRow(deps.database.db, 'projects', row))) {
      throw new IdentityConflict(
        'project',
        `it is not permitted to have two projects with the same name in the same domain: ${row.name}`,
      )
    }
    if (input['tags']) await setTags(deps, row.id, input['tags'] as string[])
    return row
  },
  async change(deps, row, input) {
    if (input['domain_id'] !== undefined && input['domain_id'] !== row.domain_id) {
      throw new BadRequest('The domain of a project cannot be changed.')
    }
    const changes = {
      ...(input['name'] !== undefined && { name: input['name'] as string }),
      ...(input['description'] !== undefined && { description: (input['description'] as string | null) ?? '' }),
      ...(input['enabled'] !== undefined && { enabled: input['enabled'] ? 1 : 0 }),
      ...(input['options'] !== undefined && { options: JSON.stringify(input['options']) }),
      extra: extraOf(input, known, row.extra),
    }
    if ((await updateRow(deps.database.db, 'projects', row.id, changes)) === 'taken') {
      throw new IdentityConflict(
        'project',
        `it is not permitted to have two projects with the same name in the same domain: ${String(input['name'])}`,
      )
    }
    if (input['tags']) await setTags(deps, row.id, input['tags'] as string[])
    return (await findRow(deps.database.db, 'projects', { id: row.id }))!
  },
  async remove({ database }, row) {
    if (row.is_domain === 1) throw new Forbidden('Delete domains through /v3/domains.')
    const children = await listRows(database.db, 'projects', [{ column: 'parent_id', operator: '=', value: row.id }], 1)
    if (children.length > 0)
      throw new Forbidden(`Cannot delete the project ${row.id} since it is not a leaf in the hierarchy.`)
    await database.transaction((tx) => deleteProjects(tx, [row.id]))
  },
}
