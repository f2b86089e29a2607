import type { Migration } from '../../../../platform/db/migrate.ts'
import { runStatements } from '../../../../platform/db/migrate.ts'

/** What a project uses is asked with every create: the index alone answers. */
export const usageIndex: Migration = {
  name: '0003-usage-index',
  up: (db, engine) =>
    runStatements(db, engine, 'create index servers_usage on servers (project_id, deleted_at, vcpus, memory_mb);'),
}
