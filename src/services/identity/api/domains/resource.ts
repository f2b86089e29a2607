import { Type } from 'typebox'
import { Forbidden } from '../../../../platform/errors.ts'
import { ActionForbidden, ValidationFailed } from '../../errors.ts'
import { deleteDomain } from '../../operations/delete.ts'
import { changeProject, createProject, setTags } from '../../operations/projects.ts'
import { requireDeletable, requireMutable } from '../immutable.ts'
import { entity } from '../kit/entity.ts'
import { extraOf } from '../kit/extra.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { kinds } from '../schema.ts'
import { domainAnswer, viewDomains } from './view.ts'

const attributes = {
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
  options: Type.Optional(kinds.options),
  tags: Type.Optional(kinds.tags),
}
const known = ['name', 'description', 'enabled', 'options', 'tags', 'explicit_domain_id']

/** Domains are projects without a domain of their own. */
export const domains = entity({
  table: 'projects',
  singular: 'domain',
  answer: domainAnswer,
  plural: 'domains',
  fixed: { is_domain: 1 },
  filters: { name: { column: 'name' }, enabled: { column: 'enabled', kind: 'boolean' } },
  section: 'resource',
  existsFirst: ['update', 'delete'],
  ownDomain: 'id',
  conditions: () => [{ column: 'is_domain', comparator: '=', value: 1 }],
  views: viewDomains,
  target: (row) => ({ target: { domain: { id: row.id } } }),
})

export const domainRoutes = [
  ...readRoutes(domains),
  createRoute(domains, {
    schema: Type.Object({ name: kinds.shortName, explicit_domain_id: Type.Optional(kinds.text), ...attributes }),
    async insert(_db, deps, input) {
      const id = input.explicit_domain_id
      if (id !== undefined && !/^[0-9a-f]{32}$/.test(id))
        throw new ValidationFailed('Domain ID does not conform to required UUID format.')
      const row = await createProject(deps, {
        ...(id !== undefined && { id }),
        name: input.name,
        domainId: '',
        parentId: null,
        enabled: input.enabled !== false,
        description: input.description ?? '',
        options: input.options ?? {},
        extra: extraOf(input, known),
      })
      if (input.tags) await setTags(deps, row.id, input.tags)
      return row
    },
  }),
  updateRoute(domains, {
    schema: Type.Object({ name: Type.Optional(kinds.shortName), ...attributes }, { minProperties: 1 }),
    async apply(_db, deps, row, input) {
      requireMutable(row, 'domain', input)
      await changeProject(deps, row, { ...input, extra: extraOf(input, known, row.extra) })
      if (input.tags) await setTags(deps, row.id, input.tags)
    },
  }),
  removeRoute(domains, async (_db, { database, config }, row) => {
    if (row.id === config.defaultDomainId) throw new ActionForbidden('delete the default domain')
    requireDeletable(row, 'domain')
    if (row.enabled === 1) throw new Forbidden('Cannot delete a domain that is enabled, please disable it first.')
    await deleteDomain(database, row.id)
  }),
]
