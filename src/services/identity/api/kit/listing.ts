/** Listings of tables: filters, pages, and what a domain's token sees of them. */
import type { Context } from '../../../../platform/auth/context.ts'
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { selectPage, type Filter, type Page } from '../../store/listing.ts'
import type { IdentityDb, Row, Table } from '../../store/rows.ts'
import { withLinks, type Collection } from '../links.ts'
import { filtersOf, pageAnswer, pageOf, requireMarker, type Filters, type ListSection } from '../paging.ts'

/** What a listing needs to know. */
export interface Listing<T extends Table> {
  readonly table: T
  readonly plural: string
  /** Below /v3. */
  readonly path: string
  readonly filters: Filters
  /** Which `list_limit` counts. */
  readonly section?: ListSection
  views(db: IdentityDb, rows: readonly Row<T>[], deps: IdentityDeps): Promise<{ id: string }[]>
}

/** What a rule sees of a listing: the domain that the caller's token is for. */
export const listTarget = ({ domainId }: Context): PolicyTarget =>
  domainId === null
    ? {}
    : {
        target: {
          domain_id: domainId,
          domain: { id: domainId },
          user: { domain_id: domainId },
          group: { domain_id: domainId },
          project: { domain_id: domainId },
        },
      }

/** With a domain's token only that domain's rows are seen. */
export const ofOwnDomain = ({ ownDomain }: { ownDomain?: string }, { domainId }: Context): Filter[] =>
  ownDomain !== undefined && domainId !== null ? [{ column: ownDomain, comparator: '=', value: domainId }] : []

/** The rows that meet the conditions and the filters of the query, a page of them where it asks for one. */
export async function selectListing<T extends Table>(
  { table, filters, section }: Pick<Listing<T>, 'table' | 'filters' | 'section'>,
  { query }: Pick<ApiRequest, 'query'>,
  deps: IdentityDeps,
  conditions: readonly Filter[],
): Promise<{ rows: Row<T>[]; cut?: Page | undefined }> {
  const page = pageOf(query, deps.config, section)
  await requireMarker(deps, table, page)
  const { rows, isCut } = await selectPage(deps.database.db, table, [...conditions, ...filtersOf(filters, query)], page)
  return { rows, cut: isCut ? page : undefined }
}

/** The answer to a listing. */
export async function answerListing<T extends Table>(
  listing: Listing<T>,
  request: ApiRequest,
  deps: IdentityDeps,
  conditions: readonly Filter[],
): Promise<Collection> {
  const { rows, cut } = await selectListing(listing, request, deps, conditions)
  const views = await listing.views(deps.database.db, rows, deps)
  const items = views.map((view) => withLinks(request.baseUrl, listing.path.slice(1), view))
  return pageAnswer(listing.plural, items, request, cut)
}
