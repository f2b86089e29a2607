import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

const schema = `
create table if not exists providers (
  uuid varchar(36) primary key, name varchar(200) not null unique, generation bigint not null, root_uuid varchar(36) not null,
  parent_uuid varchar(36), updated_at bigint not null
);
create table if not exists inventories (
  provider_uuid varchar(36) not null, resource_class varchar(255) not null, total bigint not null, reserved bigint not null,
  min_unit bigint not null, max_unit bigint not null, step_size bigint not null, allocation_ratio double precision not null,
  primary key (provider_uuid, resource_class)
);
create table if not exists allocations (
  provider_uuid varchar(36) not null, consumer_uuid varchar(36) not null, resource_class varchar(255) not null, used bigint not null,
  primary key (consumer_uuid, provider_uuid, resource_class)
);
create index allocations_of_provider on allocations (provider_uuid, resource_class);
create table if not exists consumers (
  uuid varchar(36) primary key, project_id varchar(255) not null, user_id varchar(255) not null, generation bigint not null,
  type varchar(255) not null
);
create table if not exists provider_traits (provider_uuid varchar(36) not null, trait varchar(255) not null, primary key (provider_uuid, trait));
create table if not exists provider_aggregates (
  provider_uuid varchar(36) not null, aggregate_uuid varchar(36) not null, primary key (provider_uuid, aggregate_uuid)
);
create table if not exists custom_traits (name varchar(255) primary key);
create table if not exists custom_classes (name varchar(255) primary key);
`

export const initial: Migration = { name: '0001-initial', up: (db, engine) => runStatements(db, engine, schema) }
