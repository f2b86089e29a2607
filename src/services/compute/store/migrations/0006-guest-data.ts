import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

/** What a config drive was made with once, and the passwords that guests tell. */
const statements = `
create table if not exists config_drives (
  server_id varchar(36) not null primary key,
  random_seed text not null,
  vendor_data_json text not null
);
create table if not exists server_passwords (
  server_id varchar(36) not null primary key,
  password text not null
)`

export const guestData: Migration = {
  name: '0006-guest-data',
  up: (db, engine) => runStatements(db, engine, statements),
}
