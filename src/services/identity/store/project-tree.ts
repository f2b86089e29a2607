/** Walks the tree of projects: a query a level. */
import { findRow, listRows, type IdentityDb, type Row } from './rows.ts'

type Project = Row<'projects'>
const deepest = 100

/** What is above a project up to and with its domain, nearest first. */
export async function ancestorsOf(
  db: IdentityDb,
  project: Pick<Project, 'parent_id' | 'domain_id'>,
): Promise<Project[]> {
  const found: Project[] = []
  for (let id = parentOf(project); id !== null && found.length < deepest;) {
    const row: Project | undefined = await findRow(db, 'projects', { id })
    if (!row) break
    found.push(row)
    id = parentOf(row)
  }
  return found
}

const parentOf = ({ parent_id, domain_id }: Pick<Project, 'parent_id' | 'domain_id'>) =>
  parent_id ?? (domain_id || null)

/** Everything below a project, level by level. */
export async function descendantsOf(db: IdentityDb, id: string): Promise<Project[]> {
  const found: Project[] = []
  for (let level = [id], depth = 0; level.length > 0 && depth < deepest; depth++) {
    const rows = await listRows(db, 'projects', { parent_id: level })
    found.push(...rows)
    level = rows.map((row) => row.id)
  }
  return found
}
