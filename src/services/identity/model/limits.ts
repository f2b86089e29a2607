/** How limits of a tree of projects relate, by the enforcement models of keystone. */

export interface LimitKey {
  service_id: string
  /** '' for none. */
  region_id: string
  resource_name: string
}

/** A limit of a project or of a domain; '' for what it is not of. */
export interface Limit extends LimitKey {
  project_id: string
  domain_id: string
  resource_limit: number
}

export const isSameKey = (one: LimitKey, other: LimitKey): boolean =>
  one.service_id === other.service_id && one.region_id === other.region_id && one.resource_name === other.resource_name

export const models = {
  flat: {
    name: 'flat',
    description: 'Limit enforcement and validation does not take project hierarchy into consideration.',
  },
  strict_two_level: {
    name: 'strict_two_level',
    description: 'This model requires project hierarchy never exceeds a depth of two',
  },
} as const

/** -1 is no limit at all. */
const amount = (limit: number): number => (limit < 0 ? Infinity : limit)

/**
 * The first of the limits that strict two-level enforcement does not allow: one of a project beyond its domain's (or the
 * default), one of a domain below that of a project in it. `known` are the limits in the database on both levels.
 */
export function beyondTree(
  limits: readonly Limit[],
  known: {
    limits: readonly Limit[]
    defaults: readonly (LimitKey & { default_limit: number })[]
    projects: readonly { id: string; domain_id: string; parent_id: string | null }[]
  },
): Limit | undefined {
  const replaced = (old: Limit) =>
    limits.some(
      (each) => isSameKey(each, old) && each.project_id === old.project_id && each.domain_id === old.domain_id,
    )
  const all = [...limits, ...known.limits.filter((each) => !replaced(each))]
  const ofDomain = (domainId: string, key: LimitKey) =>
    all.find((each) => each.domain_id === domainId && isSameKey(each, key))?.resource_limit ??
    known.defaults.find((each) => isSameKey(each, key))?.default_limit ??
    Infinity
  const projectOf = (limit: Limit) => known.projects.find((each) => each.id === limit.project_id)
  const isBeyond = (limit: Limit) =>
    limit.project_id !== ''
      ? amount(limit.resource_limit) > amount(ofDomain(projectOf(limit)?.parent_id ?? '', limit))
      : all.some(
          (each) =>
            each.project_id !== '' &&
            isSameKey(each, limit) &&
            projectOf(each)?.domain_id === limit.domain_id &&
            amount(each.resource_limit) > amount(limit.resource_limit),
        )
  return limits.find(isBeyond)
}
