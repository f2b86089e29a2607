/** Which endpoints a project sees: by name, or through groups of endpoints. */
import type { IdentityDb, Row } from './rows.ts'

/** True when the endpoint has every attribute that the group asks for. */
export function isInGroup(endpoint: Row<'endpoints'>, group: Row<'endpoint_groups'>): boolean {
  const filters = JSON.parse(group.filters) as Record<string, unknown>
  return Object.entries(filters).every(([name, value]) => endpoint[name as 'interface'] === value)
}

export function groupsOfProject(db: IdentityDb, projectId: string): Promise<Row<'endpoint_groups'>[]> {
  return db
    .selectFrom('endpoint_groups')
    .innerJoin('project_endpoint_groups', 'project_endpoint_groups.endpoint_group_id', 'endpoint_groups.id')
    .selectAll('endpoint_groups')
    .where('project_id', '=', projectId)
    .orderBy('endpoint_groups.id')
    .execute()
}

/** Endpoints of a project: those named and those of its groups. */
export async function endpointsOfProject(db: IdentityDb, projectId: string): Promise<Row<'endpoints'>[]> {
  const groups = await groupsOfProject(db, projectId)
  const named = await db
    .selectFrom('project_endpoints')
    .select('endpoint_id')
    .where('project_id', '=', projectId)
    .execute()
  if (groups.length === 0 && named.length === 0) return []
  const ids = new Set(named.map((row) => row.endpoint_id))
  const all = await db.selectFrom('endpoints').selectAll().orderBy('id').execute()
  return all.filter((endpoint) => ids.has(endpoint.id) || groups.some((group) => isInGroup(endpoint, group)))
}

export const projectsOfEndpoint = (db: IdentityDb, endpointId: string): Promise<Row<'projects'>[]> =>
  db
    .selectFrom('projects')
    .innerJoin('project_endpoints', 'project_endpoints.project_id', 'projects.id')
    .selectAll('projects')
    .where('endpoint_id', '=', endpointId)
    .orderBy('projects.id')
    .execute()

export const projectsOfGroup = (db: IdentityDb, groupId: string): Promise<Row<'projects'>[]> =>
  db
    .selectFrom('projects')
    .innerJoin('project_endpoint_groups', 'project_endpoint_groups.project_id', 'projects.id')
    .selectAll('projects')
    .where('endpoint_group_id', '=', groupId)
    .orderBy('projects.id')
    .execute()

/** Forgets the filters of projects that are going. */
export async function deleteProjectFilters(tx: IdentityDb, projectIds: readonly string[]): Promise<void> {
  await tx
    .deleteFrom('project_endpoints')
    .where('project_id', 'in', [...projectIds])
    .execute()
  await tx
    .deleteFrom('project_endpoint_groups')
    .where('project_id', 'in', [...projectIds])
    .execute()
}
