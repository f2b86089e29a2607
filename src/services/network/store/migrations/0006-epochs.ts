import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

/** The history of this database, by which agents tell it from another one and from an older copy of itself. */
export const epochs: Migration = {
  name: '0006-epochs',
  up: (db, engine) =>
    runStatements(
      db,
      engine,
      'create table if not exists epochs (seq bigint primary key, id varchar(36) not null unique, began_at bigint not null)',
    ),
}
