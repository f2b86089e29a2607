import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { Provider } from '../../model/provider.ts'
import type { ProviderRow } from '../../store/tables.ts'
import type { ShownProvider } from './schema.ts'

type Shown = Pick<Provider, 'uuid' | 'name' | 'generation' | 'root' | 'parent'>

/** A row as it is shown. */
export const toShown = (row: ProviderRow): Shown => ({
  uuid: row.uuid,
  name: row.name,
  generation: row.generation,
  root: row.root_uuid,
  parent: row.parent_uuid,
})

/** How providers are shown at a version; made once for a whole list. */
export function providerView(version: ApiVersion): (provider: Shown) => ShownProvider {
  const rels = ['inventories', 'usages']
  if (version.has('aggregates')) rels.push('aggregates')
  if (version.has('traits')) rels.push('traits')
  if (version.has('allocations-link')) rels.push('allocations')
  const isNested = version.has('nested')
  return ({ uuid, name, generation, root, parent }) => {
    const base = `/resource_providers/${uuid}`
    return {
      uuid,
      name,
      generation,
      links: [{ rel: 'self', href: base }, ...rels.map((rel) => ({ rel, href: `${base}/${rel}` }))],
      ...(isNested && { parent_provider_uuid: parent, root_provider_uuid: root }),
    }
  }
}
