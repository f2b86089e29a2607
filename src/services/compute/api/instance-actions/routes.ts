import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import { exactly, nullable, since, type Shown } from '../../../../platform/http/answers.ts'
import { rule } from '../../../../platform/auth/policy.ts'
import { last } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import { Invalid, NotFound } from '../../errors.ts'
import { findAction, listActions, type ActionEvent, type ServerAction } from '../../store/actions.ts'
import { pageLinks, text } from '../answers.ts'
import { admin, readerOrAdmin } from '../base-policy.ts'
import { nextLink, toOldTime } from '../links.ts'
import { limitOf, timeOf } from '../paging.ts'
import { looseQuery, nonNegativeInteger, once, strictQuery } from '../parameter-types.ts'
import { findFor } from '../servers/find.ts'

const list = rule(
  'os_compute_api:os-instance-actions:list',
  readerOrAdmin,
  'List actions',
  'GET /servers/{server_id}/os-instance-actions',
)
const show = rule(
  'os_compute_api:os-instance-actions:show',
  readerOrAdmin,
  'Show an action',
  'GET /servers/{server_id}/os-instance-actions/{request_id}',
)
const events = rule(
  'os_compute_api:os-instance-actions:events',
  admin,
  'Show events with traceback',
  'GET /servers/{server_id}/os-instance-actions/{request_id}',
)
const details = rule(
  'os_compute_api:os-instance-actions:events:details',
  admin,
  'Show details of events',
  'GET /servers/{server_id}/os-instance-actions/{request_id}',
)
export const instanceActionRules = [list, show, events, details]

const listed = { limit: once(nonNegativeInteger), marker: once(Type.String()), 'changes-since': once(Type.String()) }
const listedBefore = { ...listed, 'changes-before': once(Type.String()) }
const listQuery = bodies(looseQuery(listedBefore), [
  ['initial', looseQuery({})],
  ['actions-paging', strictQuery(listed)],
  ['changes-before', strictQuery(listedBefore)],
])

const shown = {
  action: text,
  instance_uuid: text,
  request_id: text,
  user_id: text,
  project_id: text,
  start_time: nullable(text),
  message: nullable(text),
  updated_at: since('actions-paging', nullable(text)),
}
const eventAnswer = exactly({
  event: text,
  start_time: nullable(text),
  finish_time: nullable(text),
  result: nullable(Type.Enum(['Success', 'Error'])),
  traceback: Type.Optional(nullable(text)),
  hostId: since('action-event-host', text),
  host: since('action-event-host', Type.Optional(nullable(text))),
  details: since('action-event-details', Type.Optional(nullable(text))),
})
const listAnswer = exactly({
  instanceActions: Type.Array(exactly(shown)),
  links: since('actions-paging', pageLinks),
})
const showAnswer = exactly({
  instanceAction: exactly({ ...shown, events: Type.Optional(Type.Array(eventAnswer)) }),
})

const view = (action: ServerAction, version: ApiVersion) => ({
  action: action.action,
  instance_uuid: action.server_id,
  request_id: action.request_id,
  user_id: action.user_id,
  project_id: action.project_id,
  start_time: toOldTime(Number(action.start_at)),
  message: action.message,
  ...(version.has('actions-paging') && { updated_at: toOldTime(Number(action.updated_at)) }),
})

interface Sees {
  tracebacks: boolean
  details: boolean
}

function viewEvent(event: ActionEvent, projectId: string, version: ApiVersion, sees: Sees): Shown<typeof eventAnswer> {
  const hostId =
    event.host === null
      ? ''
      : createHash('sha224')
          .update(projectId + event.host)
          .digest('hex')
  return {
    event: event.event,
    start_time: toOldTime(event.startAt),
    finish_time: toOldTime(event.finishAt),
    result: event.result,
    ...(sees.tracebacks && { traceback: event.traceback }),
    ...(version.has('action-event-host') && { hostId, ...(sees.tracebacks && { host: event.host }) }),
    ...(version.has('action-event-details') && sees.details && { details: event.details }),
  }
}

export const instanceActionRoutes = [
  route({
    method: 'GET',
    path: '/servers/:id/os-instance-actions',
    policy: list,
    query: listQuery,
    answer: { 200: listAnswer },
    async handle(request, deps) {
      const { ctx, params, query, version } = request
      const server = await findFor(ctx, deps, params.id, list, { isDeletedToo: version.has('actions-of-deleted') })
      const { db } = deps.database
      const isPaged = version.has('actions-paging')
      const limit = isPaged ? limitOf(query, deps.config.maxLimit) : deps.config.maxLimit
      const since = isPaged ? timeOf(query, 'changes-since') : undefined
      const before = version.has('changes-before') ? timeOf(query, 'changes-before') : undefined
      const markerId = isPaged ? last(query, 'marker') : undefined
      const marker = markerId === undefined ? undefined : await findAction(db, server.id, markerId)
      if (markerId !== undefined && !marker) throw new Invalid(`marker [${markerId}] not found`)
      const actions = await listActions(db, server.id, {
        limit,
        ...(marker && { marker }),
        ...(since !== undefined && { since }),
        ...(before !== undefined && { before }),
      })
      const isFull = isPaged && actions.length > 0 && actions.length === limit
      return {
        status: 200,
        body: {
          instanceActions: actions.map((action) => view(action, version)),
          ...(isFull && { links: [nextLink(request, actions.at(-1)!.request_id)] }),
        },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/servers/:id/os-instance-actions/:request',
    policy: [show, events, details],
    answer: { 200: showAnswer },
    async handle({ ctx, params, version }, deps) {
      const server = await findFor(ctx, deps, params.id, show, { isDeletedToo: version.has('actions-of-deleted') })
      const action = await findAction(deps.database.db, server.id, params.request)
      if (!action) throw new NotFound(`Action ${params.request} not found`)
      const target = { project_id: server.projectId }
      const sees = { tracebacks: ctx.can(events, target), details: ctx.can(details, target) }
      // Since 2.51 owners see the events, without what only admins may read.
      const showsEvents = sees.tracebacks || version.has('action-events-for-owners')
      const seen = action.events.map((event) => viewEvent(event, server.projectId, version, sees))
      return {
        status: 200,
        body: { instanceAction: { ...view(action, version), ...(showsEvents && { events: seen }) } },
      }
    },
  }),
]
