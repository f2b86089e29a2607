/** What the bearer of a token can reach: /v3/auth/{catalog,projects,domains,system}. */
import { NotFound } from '../../../../platform/http/errors.ts'
import { route, type ApiRequest } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { policy } from '../../policies.ts'
import { effectiveRoles, targetsOf } from '../../store/roles.ts'
import { collection, withLinks } from '../links.ts'
import { viewDomains } from '../domains/view.ts'
import { viewProjects } from '../projects/view.ts'

const showCatalog = route({
  method: 'GET',
  path: '/auth/catalog',
  policy: policy('get_auth_catalog'),
  async handle({ ctx, url, baseUrl }: ApiRequest<never>, deps: IdentityDeps) {
    const valid = await deps.tokens.validate(ctx.token.reveal())
    if (!valid || valid.payload.scope.kind === 'unscoped') throw new NotFound('The catalog needs a scoped token.')
    const catalog = await deps.catalog.of(valid.user.id, valid.project?.id ?? null)
    return { status: 200, body: { catalog, links: { self: baseUrl + url, next: null, previous: null } } }
  },
})

const listProjects = route({
  method: 'GET',
  path: '/auth/projects',
  policy: policy('get_auth_projects'),
  async handle({ ctx, url, baseUrl }: ApiRequest<never>, deps: IdentityDeps) {
    const rows = (await targetsOf(deps.database.db, ctx.userId, false)).filter((row) => row.enabled === 1)
    return collection(
      'projects',
      (await viewProjects(rows, deps)).map((view) => withLinks(baseUrl, 'projects', view)),
      baseUrl + url,
    )
  },
})

const listDomains = route({
  method: 'GET',
  path: '/auth/domains',
  policy: policy('get_auth_domains'),
  async handle({ ctx, url, baseUrl }: ApiRequest<never>, deps: IdentityDeps) {
    const rows = (await targetsOf(deps.database.db, ctx.userId, true)).filter((row) => row.enabled === 1)
    return collection(
      'domains',
      (await viewDomains(rows, deps)).map((view) => withLinks(baseUrl, 'domains', view)),
      baseUrl + url,
    )
  },
})

const showSystem = route({
  method: 'GET',
  path: '/auth/system',
  policy: policy('get_auth_system'),
  async handle({ ctx, url, baseUrl }: ApiRequest<never>, deps: IdentityDeps) {
    const roles = await effectiveRoles(deps.database.db, ctx.userId, 'system', 'all')
    return { status: 200, body: { system: roles.length > 0 ? [{ all: true }] : [], links: { self: baseUrl + url } } }
  },
})

export const authRoutes = [showCatalog, listProjects, listDomains, showSystem]
