import { addColumn, runStatements, type Migration } from '../../../../platform/db/migrate.ts'

/** What made an application credential ends it, and access rules have an order. */
export const madeBy: Migration = {
  name: '0006-made-by',
  async up(db, engine) {
    await addColumn(db, engine, 'application_credentials', 'parent_id varchar(64)')
    await addColumn(db, engine, 'access_rules', 'position integer not null default 0')
    await addColumn(db, engine, 'application_credential_access_rules', 'position integer not null default 0')
    await runStatements(
      db,
      engine,
      'create index if not exists application_credentials_parent on application_credentials (parent_id);',
    )
  },
}
