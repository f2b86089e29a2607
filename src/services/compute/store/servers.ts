import type { Insertable, Selectable, Updateable } from 'kysely'
import type { Db } from '../../../platform/db/database.ts'
import type { Flavor } from '../model/flavor.ts'
import type { ImageOfServer, InjectedFile, Server, ServerKey, ServerPort } from '../model/server.ts'
import type { ComputeSchema, ServerTable } from './tables.ts'

const parse = <T>(text: string): T => JSON.parse(text) as T
const number = (value: number | null): number | null => (value === null ? null : Number(value))

/** A row as the server that it keeps. */
export function toServer(row: Selectable<ServerTable>): Server {
  return {
    id: row.id,
    seq: Number(row.seq),
    projectId: row.project_id,
    userId: row.user_id,
    name: row.name,
    hostname: row.hostname,
    description: row.description,
    vmState: row.vm_state as Server['vmState'],
    taskState: row.task_state as Server['taskState'],
    taskSince: number(row.task_since),
    powerState: row.power_state,
    launchIndex: row.launch_index,
    reservationId: row.reservation_id,
    flavor: parse<Flavor>(row.flavor_json),
    image: row.image_json === null ? null : parse<ImageOfServer>(row.image_json),
    keyName: row.key_name,
    keys: parse<ServerKey[]>(row.keys_json),
    userData: row.user_data,
    adminPass: row.admin_pass,
    hasConfigDrive: Boolean(row.config_drive),
    hasAutoDisk: Boolean(row.auto_disk_config),
    injectedFiles: row.injected_files_json === null ? [] : parse<InjectedFile[]>(row.injected_files_json),
    zone: row.zone,
    pinnedZone: row.pinned_zone,
    host: row.host,
    node: row.node,
    scheduledHost: row.scheduled_host,
    securityGroups: parse<string[]>(row.security_groups_json),
    metadata: parse<Record<string, string>>(row.metadata_json),
    tags: row.tags.split(',').filter((tag) => tag !== ''),
    ports: parse<ServerPort[]>(row.ports_json),
    groupId: row.group_id,
    givenPorts: parse<string[]>(row.given_ports_json),
    accessIpv4: row.access_ipv4,
    accessIpv6: row.access_ipv6,
    lockedBy: row.locked_by as Server['lockedBy'],
    lockedReason: row.locked_reason,
    fault:
      row.fault_at === null
        ? null
        : {
            code: row.fault_code ?? 500,
            message: row.fault_message ?? '',
            details: row.fault_details ?? '',
            at: Number(row.fault_at),
          },
    desiredPower: row.desired_power as Server['desiredPower'],
    revision: Number(row.revision),
    rebootGeneration: Number(row.reboot_generation),
    rebootType: row.reboot_type as Server['rebootType'],
    reportedRevision: Number(row.reported_revision),
    reportedPower: row.reported_power,
    reportedError: row.reported_error_json === null ? null : parse<Server['reportedError']>(row.reported_error_json),
    reportedReboot: Number(row.reported_reboot),
    triedHosts: row.tried_hosts_json === null ? [] : parse<string[]>(row.tried_hosts_json),
    requestId: row.request_id,
    isLeftover: Boolean(row.is_leftover),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    launchedAt: number(row.launched_at),
    terminatedAt: number(row.terminated_at),
    deletedAt: number(row.deleted_at),
  }
}

/** Column and text form of each property that changes or is inserted. */
const columns: { [K in keyof Server]: (value: Server[K]) => Partial<Insertable<ServerTable>> } = {
  id: (id) => ({ id }),
  seq: (seq) => ({ seq }),
  projectId: (project_id) => ({ project_id }),
  userId: (user_id) => ({ user_id }),
  name: (name) => ({ name }),
  hostname: (hostname) => ({ hostname }),
  description: (description) => ({ description }),
  vmState: (vm_state) => ({ vm_state }),
  taskState: (task_state) => ({ task_state }),
  taskSince: (task_since) => ({ task_since }),
  powerState: (power_state) => ({ power_state }),
  launchIndex: (launch_index) => ({ launch_index }),
  reservationId: (reservation_id) => ({ reservation_id }),
  flavor: (flavor) => ({
    flavor_json: JSON.stringify(flavor),
    flavor_id: flavor.id,
    vcpus: flavor.vcpus,
    memory_mb: flavor.memoryMb,
  }),
  image: (image) => ({ image_id: image?.id ?? null, image_json: image ? JSON.stringify(image) : null }),
  keyName: (key_name) => ({ key_name }),
  keys: (keys) => ({ keys_json: JSON.stringify(keys) }),
  userData: (user_data) => ({ user_data }),
  adminPass: (admin_pass) => ({ admin_pass }),
  hasConfigDrive: (has) => ({ config_drive: Number(has) }),
  hasAutoDisk: (has) => ({ auto_disk_config: Number(has) }),
  injectedFiles: (files) => ({ injected_files_json: files.length === 0 ? null : JSON.stringify(files) }),
  zone: (zone) => ({ zone }),
  pinnedZone: (pinned_zone) => ({ pinned_zone }),
  host: (host) => ({ host }),
  node: (node) => ({ node }),
  scheduledHost: (scheduled_host) => ({ scheduled_host }),
  securityGroups: (names) => ({ security_groups_json: JSON.stringify(names) }),
  metadata: (metadata) => ({ metadata_json: JSON.stringify(metadata) }),
  tags: (tags) => ({ tags: tags.length === 0 ? '' : `,${tags.join(',')},` }),
  ports: (ports) => ({ ports_json: JSON.stringify(ports) }),
  groupId: (group_id) => ({ group_id }),
  givenPorts: (ids) => ({ given_ports_json: JSON.stringify(ids) }),
  accessIpv4: (access_ipv4) => ({ access_ipv4 }),
  accessIpv6: (access_ipv6) => ({ access_ipv6 }),
  lockedBy: (locked_by) => ({ locked_by }),
  lockedReason: (locked_reason) => ({ locked_reason }),
  fault: (fault) => ({
    fault_code: fault?.code ?? null,
    fault_message: fault?.message ?? null,
    fault_details: fault?.details ?? null,
    fault_at: fault?.at ?? null,
  }),
  desiredPower: (desired_power) => ({ desired_power }),
  revision: (revision) => ({ revision }),
  rebootGeneration: (reboot_generation) => ({ reboot_generation }),
  rebootType: (reboot_type) => ({ reboot_type }),
  reportedRevision: (reported_revision) => ({ reported_revision }),
  reportedPower: (reported_power) => ({ reported_power }),
  reportedError: (error) => ({ reported_error_json: error ? JSON.stringify(error) : null }),
  reportedReboot: (reported_reboot) => ({ reported_reboot }),
  triedHosts: (hosts) => ({ tried_hosts_json: hosts.length === 0 ? null : JSON.stringify(hosts) }),
  requestId: (request_id) => ({ request_id }),
  isLeftover: (is) => ({ is_leftover: Number(is) }),
  createdAt: (created_at) => ({ created_at }),
  updatedAt: (updated_at) => ({ updated_at }),
  launchedAt: (launched_at) => ({ launched_at }),
  terminatedAt: (terminated_at) => ({ terminated_at }),
  deletedAt: (deleted_at) => ({ deleted_at }),
}

/** The columns of some properties. */
export function toColumns(changes: Partial<Server>): Updateable<ServerTable> {
  const result: Record<string, unknown> = {}
  for (const key of Object.keys(changes) as (keyof Server)[]) {
    const value = changes[key]
    if (value !== undefined) Object.assign(result, (columns[key] as (value: unknown) => object)(value))
  }
  return result
}

/** The server, whether deleted or not. */
export async function findServer(db: Db<ComputeSchema>, id: string): Promise<Server | undefined> {
  const row = await db.selectFrom('servers').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toServer(row)
}

/** What a build waits for; the row is wide and this is asked often. */
export type Progress = Pick<
  Server,
  'host' | 'deletedAt' | 'taskState' | 'revision' | 'reportedRevision' | 'reportedPower' | 'reportedError' | 'ports'
>

export async function findProgress(db: Db<ComputeSchema>, id: string): Promise<Progress | undefined> {
  const row = await db
    .selectFrom('servers')
    .select(['host', 'deleted_at', 'task_state', 'revision', 'reported_revision', 'reported_power', 'ports_json'])
    .select('reported_error_json')
    .where('id', '=', id)
    .executeTakeFirst()
  return (
    row && {
      host: row.host,
      deletedAt: number(row.deleted_at),
      taskState: row.task_state as Server['taskState'],
      revision: Number(row.revision),
      reportedRevision: Number(row.reported_revision),
      reportedPower: row.reported_power,
      reportedError: row.reported_error_json === null ? null : parse<Server['reportedError']>(row.reported_error_json),
      ports: parse<ServerPort[]>(row.ports_json),
    }
  )
}

export async function insertServer(db: Db<ComputeSchema>, server: Server): Promise<void> {
  await db
    .insertInto('servers')
    .values(toColumns(server) as Insertable<ServerTable>)
    .execute()
}

/**
 * Changes a server; with `at`, only when it still has that revision and task. Returns whether it did.
 */
export async function updateServer(
  db: Db<ComputeSchema>,
  id: string,
  changes: Partial<Server>,
  at?: { revision: number; taskState: string | null },
): Promise<boolean> {
  let query = db
    .updateTable('servers')
    .set(toColumns({ updatedAt: Date.now(), ...changes }))
    .where('id', '=', id)
  if (at) {
    query = query.where('revision', '=', at.revision)
    query = at.taskState === null ? query.where('task_state', 'is', null) : query.where('task_state', '=', at.taskState)
  }
  return Number((await query.executeTakeFirst()).numUpdatedRows) > 0
}

/** What a host should run or remove. */
export async function listHostServers(db: Db<ComputeSchema>, host: string, ids?: readonly string[]): Promise<Server[]> {
  if (ids?.length === 0) return []
  let query = db
    .selectFrom('servers')
    .selectAll()
    .where('host', '=', host)
    .where((where) => where.or([where('deleted_at', 'is', null), where('is_leftover', '=', 1)]))
  if (ids) query = query.where('id', 'in', ids)
  return (await query.execute()).map(toServer)
}

export async function listServersByIds(db: Db<ComputeSchema>, ids: readonly string[]): Promise<Server[]> {
  if (ids.length === 0) return []
  return (await db.selectFrom('servers').selectAll().where('id', 'in', ids).execute()).map(toServer)
}

/** What a project uses of its quota. */
export async function usageOf(db: Db<ComputeSchema>, projectId: string) {
  const row = await db
    .selectFrom('servers')
    .select((select) => [
      select.fn.countAll<number>().as('instances'),
      select.fn.sum<number | null>('vcpus').as('cores'),
      select.fn.sum<number | null>('memory_mb').as('ram'),
    ])
    .where('project_id', '=', projectId)
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow()
  return { instances: Number(row.instances), cores: Number(row.cores ?? 0), ram: Number(row.ram ?? 0) }
}

/** Hosts of a group's servers, those that are only chosen yet too; one entry per server. */
export async function listGroupHosts(db: Db<ComputeSchema>, groupId: string, exceptId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('servers')
    .select(['host', 'scheduled_host'])
    .where('group_id', '=', groupId)
    .where('deleted_at', 'is', null)
    .where('id', '!=', exceptId)
    .execute()
  return rows.flatMap((row) => row.host ?? row.scheduled_host ?? [])
}
