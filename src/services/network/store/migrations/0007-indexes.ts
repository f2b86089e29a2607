import { runStatements, type Migration } from '../../../../platform/db/migrate.ts'

/** What every host asks for: its ports, those of its networks, its agents. */
export const indexes: Migration = {
  name: '0007-indexes',
  up: (db, engine) =>
    runStatements(
      db,
      engine,
      `create index if not exists ports_of_host on ports (host_id);
create index if not exists ports_of_network on ports (network_id, device_owner);
create index if not exists agents_of_host on agents (host);
create index if not exists floating_ips_of_router on floating_ips (router_id);
`,
    ),
}
