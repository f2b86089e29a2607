import { sql } from 'kysely'
import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'
import { sagaTables } from '../../../../platform/saga/records.ts'

const columns = [
  'hash_algo varchar(64)',
  'deleted_at bigint',
  'staged_size bigint',
  'reserved bigint not null default 0',
] as const

const schema = `
create table if not exists used_image_ids (id varchar(36) primary key);
create table if not exists locations (
  id varchar(36) primary key, image_id varchar(36) not null, store varchar(64) not null, url text not null,
  metadata text not null, status varchar(16) not null, position integer not null, changed_at bigint not null
);
create table if not exists tasks (
  id varchar(36) primary key, type varchar(30) not null, status varchar(30) not null, owner varchar(255) not null,
  image_id varchar(36), user_id varchar(64), request_id varchar(64), input text not null, result text,
  message text not null, expires_at bigint, created_at bigint not null, updated_at bigint not null
);
create table if not exists cached_images (
  image_id varchar(36) primary key, state varchar(16) not null, size bigint not null, hits integer not null,
  last_accessed bigint not null, last_modified bigint not null
);
create table if not exists quota_locks (project_id varchar(255) primary key, at bigint not null);
create table if not exists metadef_namespaces (
  id varchar(36) primary key, namespace varchar(80) not null unique, display_name varchar(80), description text,
  visibility varchar(16) not null, is_protected integer not null, owner varchar(255) not null,
  created_at bigint not null, updated_at bigint not null
);
create table if not exists metadef_objects (
  id varchar(36) primary key, namespace_id varchar(36) not null, name varchar(80) not null, description text,
  required text not null, properties text not null, created_at bigint not null, updated_at bigint not null,
  unique (namespace_id, name)
);
create table if not exists metadef_properties (
  id varchar(36) primary key, namespace_id varchar(36) not null, name varchar(80) not null, json_schema text not null,
  created_at bigint not null, unique (namespace_id, name)
);
create table if not exists metadef_tags (
  id varchar(36) primary key, namespace_id varchar(36) not null, name varchar(80) not null, created_at bigint not null,
  updated_at bigint not null, unique (namespace_id, name)
);
create table if not exists metadef_resource_types (
  name varchar(80) primary key, is_protected integer not null, created_at bigint not null, updated_at bigint not null
);
create table if not exists metadef_associations (
  namespace_id varchar(36) not null, resource_type varchar(80) not null, prefix varchar(80),
  properties_target varchar(80), created_at bigint not null, updated_at bigint not null,
  primary key (namespace_id, resource_type)
);
`

const indexes = [
  'create index locations_image on locations (image_id)',
  'create index tasks_image on tasks (image_id)',
  'create index images_owner on images (owner, status)',
]

/** `already there`: MariaDB does not roll DDL back, so a step that was cut runs again. */
const isThere = (error: unknown) =>
  /duplicate (column|key)|already exists/i.test(error instanceof Error ? error.message : String(error))

export const wholeGlance: Migration = {
  name: '0002-whole-glance',
  async up(db, engine) {
    const quietly = async (statement: string) => {
      try {
        await sql.raw(statement).execute(db)
      } catch (error) {
        if (!isThere(error)) throw error
      }
    }
    for (const column of columns) await quietly(`alter table images add column ${column}`)
    await runStatements(db, engine, sagaTables.replace(/create index[^;]*;/g, ''))
    await quietly('create index timeline_resource on timeline (resource_id, at)')
    await runStatements(db, engine, schema)
    for (const index of indexes) await quietly(index)
    // Images of the first version have one copy, in the file store.
    await sql
      .raw(
        `insert into locations (id, image_id, store, url, metadata, status, position, changed_at)
         select id, id, 'file', '', '{}', 'active', 0, updated_at from images
         where status in ('active', 'deactivated') and id not in (select image_id from locations)`,
      )
      .execute(db)
    await sql.raw(`update images set hash_algo = 'sha512' where hash_value is not null`).execute(db)
  },
}
