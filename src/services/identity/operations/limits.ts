/** Registered limits and limits: what must exist for them, what must not be there twice, what the model allows. */
import { orTaken } from '../../../platform/db/rows.ts'
import { Forbidden } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { expected, IdentityConflict } from '../errors.ts'
import { beyondTree, type Limit } from '../model/limits.ts'
import { projectsAndThoseWithin } from '../store/limits.ts'
import { deleteRows, findRow, insertRow, listRows, updateRow, type IdentityDb, type Row } from '../store/rows.ts'

type Registered = Row<'registered_limits'>
type LimitRow = Row<'limits'>

const duplicate = (kind: string) => new IdentityConflict(kind, 'Duplicate entry')

/** Throws Invalid that names what a limit refers to and what is not there. */
async function requireKnown(
  db: IdentityDb,
  target: 'limit' | 'registered_limit',
  { service_id, region_id }: { service_id?: string; region_id?: string },
): Promise<void> {
  if (service_id !== undefined && !(await findRow(db, 'services', { id: service_id })))
    throw expected('service_id', target)
  if (region_id && !(await findRow(db, 'regions', { id: region_id }))) throw expected('region_id', target)
}

export async function createRegisteredLimits({ database }: IdentityDeps, rows: readonly Registered[]): Promise<void> {
  for (const row of rows) await requireKnown(database.db, 'registered_limit', row)
  await database.transaction(async (tx) => {
    for (const row of rows) if (!(await insertRow(tx, 'registered_limits', row))) throw duplicate('registered_limit')
  })
}

/** Limits stand on a registered limit: while there are any, it stays as it is. */
async function requireUnused(db: IdentityDb, { id, service_id, resource_name, region_id }: Registered): Promise<void> {
  if (await findRow(db, 'limits', { service_id, resource_name, region_id }))
    throw new Forbidden(
      `Unable to update or delete registered limit ${id} because there are project limits associated with it.`,
    )
}

export async function updateRegisteredLimit(
  { database }: IdentityDeps,
  row: Registered,
  changes: Partial<Omit<Registered, 'id'>>,
): Promise<Registered> {
  await requireKnown(database.db, 'registered_limit', changes)
  return database.transaction(async (tx) => {
    await requireUnused(tx, row)
    if ((await orTaken(updateRow(tx, 'registered_limits', row.id, changes))) === 'taken')
      throw duplicate('registered_limit')
    return { ...row, ...changes }
  })
}

export function deleteRegisteredLimit({ database }: IdentityDeps, row: Registered): Promise<void> {
  return database.transaction(async (tx) => {
    await requireUnused(tx, row)
    await deleteRows(tx, 'registered_limits', { id: row.id })
  })
}

/** Creates limits of projects and domains, all or none. Gives them as they are stored. */
export async function createLimits(deps: IdentityDeps, wanted: readonly LimitRow[]): Promise<LimitRow[]> {
  const { database } = deps
  const rows: LimitRow[] = []
  for (const row of wanted) {
    await requireKnown(database.db, 'limit', row)
    rows.push(await placed(database.db, row))
  }
  await database.transaction(async (tx) => {
    await requireModel(tx, deps, rows)
    for (const row of rows) {
      const { service_id, resource_name, region_id } = row
      if (!(await findRow(tx, 'registered_limits', { service_id, resource_name, region_id })))
        throw new Forbidden('Unable to create a limit that has no corresponding registered limit.')
      if (!(await insertRow(tx, 'limits', row))) throw duplicate('limit')
    }
  })
  return rows
}

/** The limit of a project that acts as a domain is that domain's. */
async function placed(db: IdentityDb, row: LimitRow): Promise<LimitRow> {
  const id = row.project_id || row.domain_id
  const project = await findRow(db, 'projects', { id })
  const isDomain = project?.is_domain === 1
  if (!project || (row.domain_id !== '' && !isDomain))
    throw expected(row.project_id !== '' ? 'project_id' : 'domain_id', 'limit')
  return isDomain ? { ...row, project_id: '', domain_id: id } : row
}

export async function updateLimit(
  deps: IdentityDeps,
  row: LimitRow,
  changes: { resource_limit?: number; description?: string | null },
): Promise<LimitRow> {
  const changed = { ...row, ...changes }
  await deps.database.transaction(async (tx) => {
    await requireModel(tx, deps, [changed])
    await updateRow(tx, 'limits', row.id, changes)
  })
  return changed
}

/** `[unified_limit] enforcement_model`. Throws Forbidden that names the limit which does not fit. */
async function requireModel(tx: IdentityDb, { config }: IdentityDeps, limits: readonly LimitRow[]): Promise<void> {
  if (config.enforcementModel !== 'strict_two_level') return
  const names = [...new Set(limits.map((each) => each.resource_name))]
  const sameNames = { resource_name: names }
  const wrong = beyondTree(limits, {
    limits: await listRows(tx, 'limits', sameNames),
    defaults: await listRows(tx, 'registered_limits', sameNames),
    projects: await projectsOf(tx, limits),
  })
  if (!wrong) return
  const place = wrong.project_id ? `project_id: ${wrong.project_id}` : `domain_id: ${wrong.domain_id}`
  throw new Forbidden(
    `Invalid resource limit: The resource limit (${place}, resource_name: ${wrong.resource_name}, resource_limit: ${wrong.resource_limit}, service_id: ${wrong.service_id}, region_id: ${wrong.region_id || 'None'}) doesn't satisfy current hierarchy model..`,
  )
}

/** The projects that the limits are of, and all projects in the domains that limits are of. */
const projectsOf = (tx: IdentityDb, limits: readonly Limit[]) =>
  projectsAndThoseWithin(
    tx,
    limits.map((each) => each.project_id || each.domain_id),
  )
