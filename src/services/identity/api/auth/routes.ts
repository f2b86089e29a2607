/** What the bearer of a token can reach: /v3/auth/{catalog,projects,domains,system}. */
import type { Context } from '../../../../platform/auth/context.ts'
import { NotFound } from '../../../../platform/errors.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { policy } from '../../policies.ts'
import { groupIdsOf, rolesOfActors, targetsOf } from '../../store/roles.ts'
import { bearerOf } from '../bearer.ts'
import { collection, withLinks } from '../links.ts'
import { domainAnswer, viewDomains } from '../domains/view.ts'
import { projectAnswer, viewProjects } from '../projects/view.ts'
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { boolean, linked, listAnswer, pageLinks, self } from '../answers.ts'
import { catalogAnswer } from '../tokens/schema.ts'

const showCatalog = route({
  method: 'GET',
  path: '/auth/catalog',
  policy: policy('get_auth_catalog'),
  answer: { 200: exactly({ catalog: catalogAnswer, links: pageLinks }) },
  async handle({ ctx, url, baseUrl }, deps) {
    const valid = await deps.tokens.validate(ctx.token.reveal())
    if (!valid || valid.payload.scope.kind === 'unscoped') throw new NotFound('The catalog needs a scoped token.')
    const catalog = await deps.catalog.of(valid.user.id, valid.project?.id ?? null)
    return { status: 200, body: { catalog, links: { self: baseUrl + url, next: null, previous: null } } }
  },
})

/** Groups of a federated user that only his token knows of. */
const groupsOf = async (deps: IdentityDeps, ctx: Context) =>
  (await bearerOf(deps, ctx)).payload.federation?.groupIds ?? []

/** Each also below OS-FEDERATION, where clients of federation looked for them first. */
const listProjects = (path: string) =>
  route({
    method: 'GET',
    path,
    policy: policy('get_auth_projects'),
    answer: listAnswer('projects', linked(projectAnswer)),
    async handle({ ctx, url, baseUrl }, deps) {
      const rows = await targetsOf(deps.database.db, ctx.userId, false, await groupsOf(deps, ctx))
      const views = await viewProjects(
        rows.filter((row) => row.enabled === 1),
        deps,
      )
      return collection(
        'projects',
        views.map((view) => withLinks(baseUrl, 'projects', view)),
        baseUrl + url,
      )
    },
  })

const listDomains = (path: string) =>
  route({
    method: 'GET',
    path,
    policy: policy('get_auth_domains'),
    answer: listAnswer('domains', linked(domainAnswer)),
    async handle({ ctx, url, baseUrl }, deps) {
      const rows = await targetsOf(deps.database.db, ctx.userId, true, await groupsOf(deps, ctx))
      const views = await viewDomains(
        rows.filter((row) => row.enabled === 1),
        deps,
      )
      return collection(
        'domains',
        views.map((view) => withLinks(baseUrl, 'domains', view)),
        baseUrl + url,
      )
    },
  })

const showSystem = route({
  method: 'GET',
  path: '/auth/system',
  policy: policy('get_auth_system'),
  answer: { 200: exactly({ system: Type.Array(exactly({ all: boolean })), links: self }) },
  async handle({ ctx, url, baseUrl }, deps) {
    const { db } = deps.database
    const actors = [ctx.userId, ...(await groupIdsOf(db, ctx.userId)), ...(await groupsOf(deps, ctx))]
    const roles = await rolesOfActors(db, actors, 'system', 'all')
    return { status: 200, body: { system: roles.length > 0 ? [{ all: true }] : [], links: { self: baseUrl + url } } }
  },
})

export const authRoutes = [
  showCatalog,
  listProjects('/auth/projects'),
  listProjects('/OS-FEDERATION/projects'),
  listDomains('/auth/domains'),
  listDomains('/OS-FEDERATION/domains'),
  showSystem,
]
