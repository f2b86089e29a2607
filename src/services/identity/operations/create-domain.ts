import { insertRow, type IdentityDb } from '../store/rows.ts'

/** Adds an enabled domain; false when the id or the name is taken. */
export const createDomain = (
  tx: IdentityDb,
  { id, name, description }: { id: string; name: string; description: string },
): Promise<boolean> =>
  insertRow(tx, 'projects', {
    id,
    name,
    description,
    domain_id: '',
    parent_id: null,
    is_domain: 1,
    enabled: 1,
    options: '{}',
    extra: '{}',
    tokens_valid_after: 0,
  })
