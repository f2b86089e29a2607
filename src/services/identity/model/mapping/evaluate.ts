/** Evaluates a mapping: assertion in, user, groups and projects out. Nothing is looked up and nothing is stored. */
import { readList } from './python-list.ts'
import { readProjects } from './projects.ts'
import { matchRemote, readAssertion } from './remote.ts'
import { fillAll } from './substitute.ts'
import { MappingError, type DomainRef, type LocalRule, type Mapped, type Mapping, type ProjectRule } from './types.ts'

/** A local rule with the assertion's values in it. */
type Filled = Omit<LocalRule, 'projects' | 'projects_json'> & { projects?: readonly ProjectRule[] }

/**
 * Who the assertion is by this mapping. Throws MappingError where no rule applies or a rule that does is not sound:
 * there is nobody then, and no part of what was found counts.
 */
export function evaluateMapping(mapping: Mapping, attributes: Readonly<Record<string, string>>): Mapped {
  const assertion = readAssertion(attributes)
  const found: Filled[] = []
  for (const rule of mapping.rules) {
    const direct = matchRemote(rule.remote, assertion)
    if (!direct) continue
    for (const { projects, projects_json: json, ...local } of rule.local) {
      const wanted = readProjects(mapping.schemaVersion, { projects, json }, direct)
      found.push({ ...fillAll(local, direct), ...(wanted && { projects: wanted }) })
    }
  }
  if (found.length === 0) {
    throw new MappingError('Could not map any federated user properties to identity values.')
  }
  return collect(mapping, found)
}

function collect(mapping: Mapping, found: readonly Filled[]): Mapped {
  // The first user counts; upstream logs the others and ignores them.
  const user = found.find((each) => each.user && Object.keys(each.user).length > 0)?.user ?? {}
  const type = user.type ?? 'ephemeral'
  if (type !== 'ephemeral' && type !== 'local') throw new MappingError(`User type ${type} not supported`)
  const honoursDomain = mapping.schemaVersion !== '1.0'
  const userDomain = user.domain ?? (honoursDomain ? found.at(-1)!.domain : undefined)
  const groupIds = found.flatMap((each) => [
    ...(each.group?.id === undefined ? [] : [each.group.id]),
    ...(each.group_ids === undefined ? [] : readList(each.group_ids)),
  ])
  const withProjects = found.findLast((each) => each.projects !== undefined)
  const projects = (withProjects?.projects ?? []).map((project) =>
    honoursDomain && !project.domain && withProjects?.domain ? { ...project, domain: withProjects.domain } : project,
  )
  return {
    user: { ...user, type, ...(userDomain && { domain: userDomain }) },
    groupIds: [...new Set(groupIds)],
    groupNames: distinct(found.flatMap(namedGroups)),
    projects,
  }
}

type NamedGroup = { name: string; domain: DomainRef }

const domainIsMissing = "Invalid rule: both 'groups' and 'domain' keywords must be specified."

function namedGroups(local: Filled): NamedGroup[] {
  const named: NamedGroup[] = []
  if (local.group?.name !== undefined && local.group.domain) {
    named.push({ name: local.group.name, domain: local.group.domain })
  }
  if (local.groups !== undefined) {
    const texts = readList(local.groups)
    if (texts.length === 0 && !local.domain) throw new MappingError(domainIsMissing)
    for (const text of texts) {
      if (text.startsWith('JSON:')) named.push(readJsonGroup(text.slice('JSON:'.length)))
      else if (local.domain) named.push({ name: text, domain: local.domain })
      else throw new MappingError(domainIsMissing)
    }
  }
  return named
}

/** A group as another keystone asserts it: `{"name": "devs", "domain": {"name": "Default"}}`. */
function readJsonGroup(text: string): NamedGroup {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new MappingError('Invalid rule: a group is no JSON.')
  }
  const { name, domain } = (value ?? {}) as { name?: unknown; domain?: { id?: unknown; name?: unknown } | null }
  const domainId = domain?.id
  const domainName = domain?.name
  if (typeof name !== 'string' || (typeof domainId !== 'string' && typeof domainName !== 'string')) {
    throw new MappingError('Invalid rule: a group needs a name and a domain.')
  }
  return { name, domain: typeof domainId === 'string' ? { id: domainId } : { name: domainName as string } }
}

function distinct(groups: readonly NamedGroup[]): NamedGroup[] {
  const byKey = new Map(
    groups.map((group) => [JSON.stringify([group.name, group.domain.id, group.domain.name]), group]),
  )
  return [...byKey.values()]
}
