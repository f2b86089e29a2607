/** The query of `GET /allocation_candidates`, understood and checked as a whole. Source: upstream's `lib.py`. */
import { last, type Query } from '../../../../platform/http/route.ts'
import { pythonRepr } from '../../../../platform/http/schema.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import { BadQuery, codes } from '../../errors.ts'
import type { CandidateRequest, Group } from '../../model/candidates/request.ts'
import { isUuidLike } from '../../model/uuid.ts'
import { parseAllOf, parseMemberOf, parseResources, parseTraits } from '../parameters.ts'
import { nameSuffix, numberSuffix } from './schema.ts'

/** Throws BadQuery. */
export function parseCandidateRequest(query: Query, version: ApiVersion): CandidateRequest {
  const policy = query['group_policy']?.[0]
  const root = parseRootRequired(query, version)
  const sameSubtrees = (query['same_subtree'] ?? []).map(parseSubtree)
  const groups = parseGroups(query, version)
  if (version.has('same-subtree')) checkSubtrees(groups, sameSubtrees)
  else checkOrphans(groups)
  if (version.has('forbidden-traits')) checkForbidden(groups)
  if (policy === undefined && groups.filter((group) => group.suffix !== '').length > 1) {
    throw new BadQuery(
      'The "group_policy" parameter is required when specifying more than one "resources{N}" parameter.',
    )
  }
  return {
    groups,
    groupPolicy: policy === 'isolate' || policy === 'none' ? policy : undefined,
    rootRequired: root.required.flat(),
    rootForbidden: root.forbidden,
    sameSubtrees,
  }
}

function parseGroups(query: Query, version: ApiVersion): Group[] {
  const suffixForm = version.has('group-suffix') ? nameSuffix : numberSuffix
  const form = new RegExp(`^(?:resources|required|member_of|in_tree)(${suffixForm})?$`)
  const suffixes = new Set<string>()
  for (const key of Object.keys(query)) {
    const match = form.exec(key)
    if (match) suffixes.add(match[1] ?? '')
  }
  return [...suffixes].map((suffix) => {
    const resources = last(query, `resources${suffix}`)
    return {
      suffix,
      resources: resources === undefined ? {} : parseResources(resources),
      ...parseTraits(query, `required${suffix}`, version),
      ...parseMemberOf(query, suffix, version),
      inTree: parseInTree(last(query, `in_tree${suffix}`)),
    }
  })
}

function parseInTree(value: string | undefined): string | undefined {
  if (value === undefined || isUuidLike(value.trim())) return value?.trim()
  throw new BadQuery(
    `Invalid query string parameters: Expected 'in_tree' parameter to be a format of uuid. Got: ${value}`,
  )
}

function parseRootRequired(query: Query, version: ApiVersion): Pick<Group, 'required' | 'forbidden'> {
  const values = query['root_required'] ?? []
  if (values.length === 0) return { required: [], forbidden: [] }
  if (values.length > 1) {
    throw new BadQuery("Query parameter 'root_required' may be specified only once.", codes.duplicateKey)
  }
  if (values[0]!.startsWith('in:')) {
    throw new BadQuery(
      `Invalid query string parameters: The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC' only supported since microversion 1.39. Got: ${values[0]}`,
    )
  }
  const traits = parseAllOf(values[0]!, version)
  const conflicts = traits.forbidden.filter((trait) => traits.required.flat().includes(trait))
  if (conflicts.length > 0) {
    throw new BadQuery(
      `Conflicting required and forbidden traits found in root_required: ${conflicts.join(', ')}`,
      codes.badValue,
    )
  }
  return traits
}

function parseSubtree(value: string): Set<string> {
  const suffixes = new Set(value.split(',').map((suffix) => suffix.trim()))
  if (suffixes.has('')) {
    throw new BadQuery('Empty string (unsuffixed group) can not be specified in `same_subtree` ', codes.badValue)
  }
  return suffixes
}

const hasResources = (group: Group): boolean => Object.keys(group.resources).length > 0

/** Since 1.36: a group without resources must stand in a `same_subtree`, and what stands there must be a group. */
function checkSubtrees(groups: readonly Group[], subtrees: readonly ReadonlySet<string>[]) {
  const named = new Set(subtrees.flatMap((each) => [...each]))
  const empty = groups.filter((group) => !hasResources(group)).map((group) => group.suffix)
  if (empty.length === groups.length) {
    throw new BadQuery('There must be at least one resources or resources[$S] parameter.', codes.missingValue)
  }
  const bad = empty.filter((suffix) => !named.has(suffix))
  if (bad.length > 0) {
    throw new BadQuery(
      `Resourceless suffixed group request should be specified in \`same_subtree\` query param: bad group(s) - ${pythonRepr(bad)}.`,
      codes.badValue,
    )
  }
  const suffixes = groups.map((group) => group.suffix)
  const unknown = [...named].filter((suffix) => !suffixes.includes(suffix))
  if (unknown.length > 0) {
    throw new BadQuery(
      `Real suffixes should be specified in \`same_subtree\`: ${pythonRepr(unknown)} not found in ${pythonRepr(suffixes)}.`,
      codes.badValue,
    )
  }
}

/** Before 1.36 every group has resources. */
function checkOrphans(groups: readonly Group[]) {
  const empty = groups.filter((group) => !hasResources(group))
  const traits = empty.filter((group) => group.required.length > 0).map((group) => `required${group.suffix}`)
  if (traits.length > 0) {
    throw new BadQuery(
      `All traits parameters must be associated with resources.  Found the following orphaned traits keys: ${traits.join(', ')}`,
    )
  }
  const members = empty
    .filter((group) => group.memberOf.length + group.notMemberOf.length > 0)
    .map((group) => `member_of${group.suffix}`)
  if (members.length > 0) {
    throw new BadQuery(
      `All member_of parameters must be associated with resources. Found the following orphaned member_of keys: ${members.join(', ')}`,
    )
  }
  if (empty.length > 0) throw new BadQuery('All request groups must specify resources.')
  if (groups.length === 0) {
    throw new BadQuery('At least one request group (`resources` or `resources{$S}`) is required.')
  }
}

function checkForbidden(groups: readonly Group[]) {
  const conflicts = groups.flatMap((group) =>
    group.required
      .filter((any) => any.every((trait) => group.forbidden.includes(trait)))
      .map((any) => `required${group.suffix}: (${any.toSorted().join(', ')})`),
  )
  if (conflicts.length > 0) {
    throw new BadQuery(
      `Conflicting required and forbidden traits found in the following traits keys: ${conflicts.sort().join(', ')}`,
    )
  }
}
