import { Type } from 'typebox'
import { exactly, nullable, since, type Shown } from '../../../../platform/http/answers.ts'
import { rule } from '../../../../platform/auth/policy.ts'
import { last } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { ComputeDeps } from '../../deps.ts'
import { Invalid, Conflict, NotFound } from '../../errors.ts'
import { isUp, zoneOf, type Aggregate, type Service } from '../../model/host.ts'
import { listAggregates } from '../../store/aggregates.ts'
import { changeService } from '../../operations/compute-services.ts'
import { deleteService, listServices } from '../../store/hosts.ts'
import { listHostServers } from '../../store/servers.ts'
import { numberOrUuid, text as shownText } from '../answers.ts'
import { admin } from '../base-policy.ts'
import { isTrue, toOldTime } from '../links.ts'
import { boolean, fqdn, query, strict, text } from '../parameter-types.ts'

const list = rule('os_compute_api:os-services:list', admin, 'List services', 'GET /os-services')
const update = rule('os_compute_api:os-services:update', admin, 'Change a service', 'PUT /os-services/{service_id}')
const remove = rule('os_compute_api:os-services:delete', admin, 'Delete a service', 'DELETE /os-services/{service_id}')
export const serviceRules = [list, update, remove]

const reason = Type.Optional(Type.String({ minLength: 1, maxLength: 255 }))
const forced = { forced_down: Type.Optional(boolean) }
const updateBody = Type.Object(
  { status: Type.Optional(Type.Enum(['enabled', 'disabled'])), disabled_reason: reason, ...forced },
  strict,
)
const first = { host: fqdn, binary: Type.String({ minLength: 1, maxLength: 255 }), disabled_reason: reason }
const oldBody = bodies(Type.Object({ ...first, ...forced }, strict), [
  ['initial', Type.Object(first, strict)],
  ['service-forced-down', Type.Object({ ...first, ...forced }, strict)],
])

const shown = exactly({
  id: numberOrUuid,
  binary: shownText,
  host: shownText,
  zone: shownText,
  status: shownText,
  state: Type.Enum(['up', 'down']),
  updated_at: nullable(shownText),
  disabled_reason: nullable(shownText),
  forced_down: since('service-forced-down', Type.Boolean()),
})
const oldAnswer = exactly({
  service: exactly({
    host: shownText,
    binary: shownText,
    status: Type.Optional(shownText),
    disabled_reason: Type.Optional(shownText),
    forced_down: since('service-forced-down', Type.Optional(Type.Boolean())),
  }),
})

function view(
  service: Service,
  version: ApiVersion,
  aggregates: readonly Aggregate[],
  { config }: ComputeDeps,
): Shown<typeof shown> {
  const isCompute = service.binary === 'nova-compute'
  return {
    id: version.has('service-uuid') ? service.id : service.seq,
    binary: service.binary,
    host: service.host,
    zone: isCompute ? zoneOf(service.host, aggregates, config.defaultZone) : config.internalZone,
    status: service.isDisabled ? 'disabled' : 'enabled',
    state: isUp(service, config.serviceDownTime) ? 'up' : 'down',
    updated_at: toOldTime(service.lastSeenAt),
    disabled_reason: service.disabledReason,
    ...(version.has('service-forced-down') && { forced_down: service.isForcedDown }),
  }
}

type Change = {
  status?: string | undefined
  disabled_reason?: string | undefined
  forced_down?: boolean | string | undefined
}

async function change(
  deps: ComputeDeps,
  service: Service,
  { status, disabled_reason: why, forced_down: isForced }: Change,
) {
  if (status === undefined && isForced === undefined)
    throw new Invalid('No updates were requested. Fields status or forced_down should be specified.')
  if (why !== undefined && status !== 'disabled')
    throw new Invalid("Specifying disabled_reason requires that status is 'disabled'.")
  if (service.binary !== 'nova-compute')
    throw new Invalid(
      `Updating a ${service.binary} service is not supported. Only nova-compute services can be updated.`,
    )
  await changeService(deps, service, {
    ...(status !== undefined && { is_disabled: Number(status === 'disabled'), disabled_reason: why ?? null }),
    ...(isForced !== undefined && { is_forced_down: Number(isTrue(isForced)) }),
  })
  return (await listServices(deps.database.db)).find(({ id }) => id === service.id)!
}

export const serviceRoutes = [
  route({
    method: 'GET',
    path: '/os-services',
    policy: list,
    query: query({ host: text, binary: text }),
    answer: { 200: exactly({ services: Type.Array(shown) }) },
    async handle({ ctx, query: asked, version }, deps) {
      ctx.authorize(list)
      const [all, aggregates] = await Promise.all([listServices(deps.database.db), listAggregates(deps.database.db)])
      const [host, binary] = [last(asked, 'host'), last(asked, 'binary')]
      const listed = all.filter((each) => (host ?? each.host) === each.host && (binary ?? each.binary) === each.binary)
      return { status: 200, body: { services: listed.map((each) => view(each, version, aggregates, deps)) } }
    },
  }),
  // Before 2.53 the last part of the path is a verb: enable, disable, disable-log-reason, force-down.
  route({
    method: 'PUT',
    path: '/os-services/:id',
    until: 'service-uuid',
    policy: update,
    body: oldBody,
    answer: { 200: oldAnswer },
    async handle({ ctx, params, body, version }, deps) {
      ctx.authorize(update)
      const service = (await listServices(deps.database.db)).find(
        (each) => each.host === body.host && each.binary === body.binary,
      )
      const verb = params.id
      if (!service) throw new NotFound(`Could not find binary ${body.binary} on host ${body.host}.`)
      const { host, binary } = service
      if (verb === 'enable' || verb === 'disable') {
        await change(deps, service, { status: `${verb}d` })
        return { status: 200, body: { service: { host, binary, status: `${verb}d` } } }
      }
      if (verb === 'disable-log-reason') {
        if (body.disabled_reason === undefined) throw new Invalid('Missing disabled reason field')
        await change(deps, service, { status: 'disabled', disabled_reason: body.disabled_reason })
        return {
          status: 200,
          body: { service: { host, binary, status: 'disabled', disabled_reason: body.disabled_reason } },
        }
      }
      if (verb === 'force-down' && version.has('service-forced-down')) {
        if (body.forced_down === undefined) throw new Invalid('Missing forced_down field')
        await change(deps, service, { forced_down: body.forced_down })
        return { status: 200, body: { service: { host, binary, forced_down: isTrue(body.forced_down) } } }
      }
      throw new NotFound('Unknown action')
    },
  }),
  route({
    method: 'PUT',
    path: '/os-services/:id',
    since: 'service-uuid',
    policy: update,
    body: updateBody,
    answer: { 200: exactly({ service: shown }) },
    async handle({ ctx, params, body, version }, deps) {
      ctx.authorize(update)
      const service = await find(deps, params.id, version)
      const changed = await change(deps, service, body)
      return { status: 200, body: { service: view(changed, version, await listAggregates(deps.database.db), deps) } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/os-services/:id',
    policy: remove,
    answer: { 204: null },
    async handle({ ctx, params, version }, deps) {
      ctx.authorize(remove)
      const service = await find(deps, params.id, version)
      if (service.binary === 'nova-compute') {
        const servers = (await listHostServers(deps.database.db, service.host)).filter(
          ({ deletedAt }) => deletedAt === null,
        )
        if (servers.length > 0) {
          throw new Conflict(
            'Unable to delete compute service that is hosting instances. Migrate or delete the instances first.',
          )
        }
      }
      const node = await deleteService(deps.database, service)
      if (node !== null) await deps.placement.deleteProvider(node)
      return { status: 204 }
    },
  }),
]

async function find({ database }: ComputeDeps, id: string, version: ApiVersion): Promise<Service> {
  const services = await listServices(database.db)
  const found = services.find((each) => (version.has('service-uuid') ? each.id === id : String(each.seq) === id))
  if (!found) throw new NotFound(`Service ${id} not found.`)
  return found
}
