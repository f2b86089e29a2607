import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const schema = `
create table if not exists images (
  id varchar(36) primary key, name varchar(255), status varchar(16) not null, visibility varchar(16) not null,
  owner varchar(255) not null, disk_format varchar(20), container_format varchar(20), min_disk integer not null,
  min_ram integer not null, is_protected integer not null, is_hidden integer not null, size bigint, virtual_size bigint,
  checksum varchar(32), hash_value varchar(128), created_at bigint not null, updated_at bigint not null
);
create index images_by_age on images (created_at, id);
create table if not exists properties (image_id varchar(36) not null, name varchar(255) not null, value text not null, primary key (image_id, name));
create table if not exists tags (image_id varchar(36) not null, tag varchar(255) not null, primary key (image_id, tag));
create table if not exists members (
  image_id varchar(36) not null, member_id varchar(255) not null, status varchar(16) not null, created_at bigint not null,
  updated_at bigint not null, primary key (image_id, member_id)
);
`

export const initial: Migration = { name: '0001-initial', up: (db, engine) => runStatements(db, engine, schema) }
