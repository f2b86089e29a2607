/** Characters of RFC 3986 that a name safe in URLs has none of; those that it has, each once. */
export function unsafeCharacters(name: string): string {
  return [...new Set(name.match(/[:/?#[\]@!$&'()*+,;=]/g))].sort().join('')
}

/** Levels of projects below a domain: strict two-level limits know a project and its children only. */
export const mostProjectLevels = (config: { maxProjectTreeDepth: number; enforcementModel: string }): number =>
  config.enforcementModel === 'strict_two_level' ? Math.min(config.maxProjectTreeDepth, 2) : config.maxProjectTreeDepth
