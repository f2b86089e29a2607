import { last, type Query } from '../../../../platform/http/route.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import { canGive, hasAny, hasEach, type Conditions, type Provider } from '../../model/provider.ts'
import type { ProviderIndex } from '../../model/provider-index.ts'
import { parseMemberOf, parseResources, parseTraits } from '../parameters.ts'

/** What a list of providers is narrowed to; conditions hold for each provider by itself. */
export interface Filter extends Conditions {
  readonly name: string | undefined
  readonly uuid: string | undefined
  readonly inTree: string | undefined
  readonly resources: Readonly<Record<string, number>>
}

/** Throws BadQuery. */
export function parseFilter(query: Query, version: ApiVersion): Filter {
  const resources = last(query, 'resources')
  return {
    ...parseMemberOf(query, '', version),
    ...parseTraits(query, 'required', version),
    name: last(query, 'name') || undefined,
    uuid: last(query, 'uuid') || undefined,
    inTree: last(query, 'in_tree'),
    resources: resources === undefined ? {} : parseResources(resources),
  }
}

/** The providers that pass, in the order of their making. */
export function filterProviders(index: ProviderIndex, filter: Filter): Provider[] {
  const tree = filter.inTree === undefined ? undefined : (index.get(filter.inTree)?.root ?? '')
  const amounts = Object.entries(filter.resources)
  const found: Provider[] = []
  for (const provider of tree === undefined ? index.all() : index.tree(tree)) {
    if (filter.name !== undefined && provider.name !== filter.name) continue
    if (filter.uuid !== undefined && provider.uuid !== filter.uuid) continue
    if (!hasEach(provider.traits, filter.required) || hasAny(provider.traits, filter.forbidden)) continue
    if (!hasEach(provider.aggregates, filter.memberOf) || hasAny(provider.aggregates, filter.notMemberOf)) continue
    if (amounts.every(([name, amount]) => canGive(provider, name, amount))) found.push(provider)
  }
  return found
}
