import type { Provider } from '../provider.ts'
import type { ProviderIndex } from '../provider-index.ts'

/** Whether one of the providers is above all others (or they are one). */
export function areInOneSubtree(index: ProviderIndex, providers: readonly Provider[]): boolean {
  const uuids = new Set(providers.map((provider) => provider.uuid))
  if (uuids.size <= 1) return true
  const lines = providers.map((provider) => ancestorsOf(index, provider))
  return [...uuids].some((uuid) => lines.every((line) => line.has(uuid)))
}

/** A provider and everything above it. */
function ancestorsOf(index: ProviderIndex, provider: Provider): Set<string> {
  const line = new Set<string>()
  for (let at: Provider | undefined = provider; at; at = at.parent === null ? undefined : index.get(at.parent)) {
    if (line.has(at.uuid)) break
    line.add(at.uuid)
  }
  return line
}
