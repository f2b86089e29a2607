import { rule, type Rule } from '../../../../platform/auth/policy.ts'
import { admin, memberOrAdmin, readerOrAdmin } from '../base-policy.ts'

export const index = rule('os_compute_api:servers:index', readerOrAdmin, 'List all servers', 'GET /servers')
export const detail = rule(
  'os_compute_api:servers:detail',
  readerOrAdmin,
  'List all servers with detail',
  'GET /servers/detail',
)
export const indexAll = rule(
  'os_compute_api:servers:index:get_all_tenants',
  admin,
  'List servers of all projects',
  'GET /servers',
)
export const detailAll = rule(
  'os_compute_api:servers:detail:get_all_tenants',
  admin,
  'List servers of all projects with detail',
  'GET /servers/detail',
)
export const allFilters = rule(
  'os_compute_api:servers:allow_all_filters',
  admin,
  'Use every filter',
  'GET /servers',
  'GET /servers/detail',
)
export const show = rule('os_compute_api:servers:show', readerOrAdmin, 'Show a server', 'GET /servers/{server_id}')
export const showExtraSpecs = rule(
  'os_compute_api:servers:show:flavor-extra-specs',
  readerOrAdmin,
  "Show a server's flavor extra specs",
  'GET /servers/{server_id}',
)
export const hostStatus = rule(
  'os_compute_api:servers:show:host_status',
  admin,
  'Show the status of its host',
  'GET /servers/{server_id}',
)
export const extended = rule(
  'os_compute_api:os-extended-server-attributes',
  admin,
  'Show host and instance name',
  'GET /servers/{id}',
)
export const create = rule('os_compute_api:servers:create', memberOrAdmin, 'Create a server', 'POST /servers')
export const forcedHost = rule(
  'os_compute_api:servers:create:forced_host',
  admin,
  'Create a server on a host through the zone',
  'POST /servers',
)
export const requestedDestination = rule(
  'compute:servers:create:requested_destination',
  admin,
  'Create a server on the requested host',
  'POST /servers',
)
export const attachNetwork = rule(
  'os_compute_api:servers:create:attach_network',
  memberOrAdmin,
  'Create a server with networks',
  'POST /servers',
)
export const remove = rule(
  'os_compute_api:servers:delete',
  memberOrAdmin,
  'Delete a server',
  'DELETE /servers/{server_id}',
)
export const forceDelete = rule(
  'os_compute_api:os-deferred-delete:force',
  memberOrAdmin,
  'Delete a server at once',
  'POST /servers/{server_id}/action (forceDelete)',
)
export const update = rule(
  'os_compute_api:servers:update',
  memberOrAdmin,
  'Update a server',
  'PUT /servers/{server_id}',
)
export const reboot = rule(
  'os_compute_api:servers:reboot',
  memberOrAdmin,
  'Reboot a server',
  'POST /servers/{server_id}/action (reboot)',
)
export const start = rule(
  'os_compute_api:servers:start',
  memberOrAdmin,
  'Start a server',
  'POST /servers/{server_id}/action (os-start)',
)
export const stop = rule(
  'os_compute_api:servers:stop',
  memberOrAdmin,
  'Stop a server',
  'POST /servers/{server_id}/action (os-stop)',
)
export const pause = rule(
  'os_compute_api:os-pause-server:pause',
  memberOrAdmin,
  'Pause a server',
  'POST /servers/{server_id}/action (pause)',
)
export const unpause = rule(
  'os_compute_api:os-pause-server:unpause',
  memberOrAdmin,
  'Unpause a server',
  'POST /servers/{server_id}/action (unpause)',
)
export const lock = rule(
  'os_compute_api:os-lock-server:lock',
  memberOrAdmin,
  'Lock a server',
  'POST /servers/{server_id}/action (lock)',
)
export const unlock = rule(
  'os_compute_api:os-lock-server:unlock',
  memberOrAdmin,
  'Unlock a server',
  'POST /servers/{server_id}/action (unlock)',
)
export const unlockOverride = rule(
  'os_compute_api:os-lock-server:unlock:unlock_override',
  admin,
  "Unlock what somebody else's lock holds",
  'POST /servers/{server_id}/action (unlock)',
)
export const resetState = rule(
  'os_compute_api:os-admin-actions:reset_state',
  admin,
  'Reset the state of a server',
  'POST /servers/{server_id}/action (os-resetState)',
)
export const consoleOutput = rule(
  'os_compute_api:os-console-output',
  memberOrAdmin,
  'Show the console output',
  'POST /servers/{server_id}/action (os-getConsoleOutput)',
)
export const remoteConsoles = rule(
  'os_compute_api:os-remote-consoles',
  memberOrAdmin,
  'Create a console',
  'POST /servers/{server_id}/remote-consoles',
)

export const serverRules: readonly Rule[] = [
  index,
  detail,
  indexAll,
  detailAll,
  allFilters,
  show,
  showExtraSpecs,
  hostStatus,
  extended,
  create,
  forcedHost,
  requestedDestination,
  attachNetwork,
  remove,
  forceDelete,
  update,
  reboot,
  start,
  stop,
  pause,
  unpause,
  lock,
  unlock,
  unlockOverride,
  resetState,
  consoleOutput,
  remoteConsoles,
]
