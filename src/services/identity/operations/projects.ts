/** Creating, changing and disabling projects and domains, under the rules of their tree. */
import { orTaken } from '../../../platform/db/rows.ts'
import { Invalid, Forbidden } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { IdentityConflict, IdentityNotFound } from '../errors.ts'
import { mostProjectLevels, unsafeCharacters } from '../model/projects.ts'
import { newProject } from '../store/new-rows.ts'
import { descendantsOf, ancestorsOf } from '../store/project-tree.ts'
import { deleteRows, findRow, insertRow, listRows, updateRow, type Row } from '../store/rows.ts'
import { mergeOptions } from '../users/options.ts'
import { noteRevocation } from './revoke.ts'

type Project = Row<'projects'>

export interface NewProject {
  /** Only for domains: the id that a federation of clouds shares. */
  id?: string
  name: string
  /** '' makes a domain. */
  domainId: string
  parentId: string | null
  enabled: boolean
  description: string
  options: object
  extra: string
}

export interface ProjectChanges {
  name?: string
  description?: string | null
  enabled?: boolean
  options?: object
  extra: string
}

const kindOf = (project: Pick<Project, 'domain_id'>) => (project.domain_id === '' ? 'domain' : 'project')

const conflict = (project: Pick<Project, 'domain_id' | 'name' | 'id'>) =>
  new IdentityConflict(
    kindOf(project),
    kindOf(project) === 'domain'
      ? `it is not permitted to have two projects acting as domains with the same name: ${project.name}`
      : `it is not permitted to have two projects with either the same name or same id in the same domain: name is ${project.name}, project id ${project.id}`,
  )

/** Throws IdentityConflict for a name that is taken and Invalid where the tree does not allow it. */
export async function createProject(deps: IdentityDeps, wanted: NewProject): Promise<Project> {
  const parentId = wanted.parentId ?? (wanted.domainId || null)
  requireSafeName(deps, wanted.domainId === '', wanted.name)
  const row = newProject({
    ...(wanted.id !== undefined && { id: wanted.id }),
    name: wanted.name.trim(),
    domain_id: wanted.domainId,
    parent_id: parentId,
    enabled: wanted.enabled ? 1 : 0,
    description: wanted.description,
    options: mergeOptions('{}', wanted.options),
    extra: wanted.extra,
  })
  if (wanted.domainId !== '') await requirePlace(deps, wanted.domainId, parentId!)
  if (!(await insertRow(deps.database.db, 'projects', row))) throw conflict(row)
  return row
}

/** `[resource] project_name_url_safe` and `domain_name_url_safe`. */
function requireSafeName({ config }: IdentityDeps, isDomain: boolean, name: string) {
  const rule = isDomain ? config.domainNameUrlSafe : config.projectNameUrlSafe
  const unsafe = rule === 'off' ? '' : unsafeCharacters(name)
  if (unsafe === '') return
  throw new Invalid(
    `${isDomain ? 'Domain' : 'Project'} name cannot contain the following reserved characters: ${unsafe}`,
  )
}

/** The parent must be in the same domain, enabled with all above it, and not too deep. */
async function requirePlace({ database: { db }, config }: IdentityDeps, domainId: string, parentId: string) {
  const parent = await findRow(db, 'projects', { id: parentId })
  if (!parent) throw new IdentityNotFound('project', parentId)
  if (parent.is_domain === 1 && parent.id !== domainId)
    throw new Invalid(
      `Cannot create project, the parent (${parentId}) is acting as a domain, but this project's domain id (${domainId}) does not match the parent's id.`,
    )
  if (parent.is_domain === 0 && parent.domain_id !== domainId)
    throw new Invalid(
      `Cannot create project, since it specifies its domain_id ${domainId}, but specifies a parent in a different domain (${parent.domain_id}).`,
    )
  const branch = [parent, ...(await ancestorsOf(db, parent))]
  const disabled = branch.find((each) => each.enabled === 0)
  if (disabled) throw new Invalid(`cannot create a project in a branch containing a disabled project: ${disabled.id}`)
  // The domain itself is no level of the tree.
  if (branch.length > mostProjectLevels(config))
    throw new Forbidden(`Max hierarchy depth reached for ${parentId} branch.`)
}

/** Throws Forbidden where the tree stands against enabling or disabling it. Disabling ends the tokens. */
export async function changeProject(deps: IdentityDeps, row: Project, changes: ProjectChanges): Promise<Project> {
  const { db } = deps.database
  if (changes.name !== undefined && changes.name !== row.name) {
    requireSafeName(deps, row.is_domain === 1, changes.name)
  }
  const isDisabled = changes.enabled === false && row.enabled === 1
  if (changes.enabled === true && row.enabled === 0 && row.is_domain === 0) {
    if ((await ancestorsOf(db, row)).some((each) => each.enabled === 0))
      throw new Forbidden(`Cannot enable project ${row.id} since it has disabled parents`)
  }
  if (isDisabled && row.is_domain === 0 && (await descendantsOf(db, row.id)).some((each) => each.enabled === 1))
    throw new Forbidden(`Cannot disable project ${row.id} since its subtree contains enabled projects.`)
  const change = deps.database.transaction(async (tx) => {
    if (isDisabled) await noteRevocation(tx, row.is_domain === 1 ? { domain_id: row.id } : { project_id: row.id })
    return updateRow(tx, 'projects', row.id, {
      ...(changes.name !== undefined && { name: changes.name.trim() }),
      ...(changes.description !== undefined && { description: changes.description ?? '' }),
      ...(changes.enabled !== undefined && { enabled: changes.enabled ? 1 : 0 }),
      ...(isDisabled && { tokens_valid_after: Date.now() }),
      options: mergeOptions(row.options, changes.options),
      extra: changes.extra,
    })
  })
  if ((await orTaken(change)) === 'taken') throw conflict({ ...row, name: changes.name ?? row.name })
  return (await findRow(db, 'projects', { id: row.id }))!
}

/** Replaces the tags of a project. */
export async function setTags({ database }: IdentityDeps, projectId: string, tags: readonly string[]): Promise<void> {
  await database.transaction(async (tx) => {
    await deleteRows(tx, 'project_tags', { project_id: projectId })
    for (const tag of tags) await insertRow(tx, 'project_tags', { project_id: projectId, tag })
  })
}

/** Tags of a project, sorted. */
export async function tagsOf({ database }: Pick<IdentityDeps, 'database'>, projectId: string): Promise<string[]> {
  const rows = await listRows(database.db, 'project_tags', { project_id: projectId })
  return rows.map((row) => row.tag).sort()
}
