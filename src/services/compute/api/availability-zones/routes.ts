import { Type, type TSchema } from 'typebox'
import { exactly, nullable, type Shown } from '../../../../platform/http/answers.ts'
import { rule } from '../../../../platform/auth/policy.ts'
import { route } from '../route.ts'
import type { ComputeDeps } from '../../deps.ts'
import { isUp, zoneOf, type Service } from '../../model/host.ts'
import { listAggregates } from '../../store/aggregates.ts'
import { listServices } from '../../store/hosts.ts'
import { text } from '../answers.ts'
import { admin } from '../base-policy.ts'
import { toOldTime } from '../links.ts'

const list = rule('os_compute_api:os-availability-zone:list', '@', 'List zones', 'GET /os-availability-zone')
const detail = rule(
  'os_compute_api:os-availability-zone:detail',
  admin,
  'List zones with hosts',
  'GET /os-availability-zone/detail',
)
export const zoneRules = [list, detail]

async function zonesOf({ database, config }: ComputeDeps): Promise<Map<string, Service[]>> {
  const [services, aggregates] = await Promise.all([listServices(database.db), listAggregates(database.db)])
  const zones = new Map<string, Service[]>()
  for (const service of services) {
    const isCompute = service.binary === 'nova-compute'
    const zone = isCompute ? zoneOf(service.host, aggregates, config.defaultZone) : config.internalZone
    zones.set(zone, [...(zones.get(zone) ?? []), service])
  }
  return zones
}

const service = exactly({ available: Type.Boolean(), active: Type.Boolean(), updated_at: nullable(text) })
const zonesAnswer = <H extends TSchema>(hosts: H) =>
  exactly({
    availabilityZoneInfo: Type.Array(
      exactly({ zoneName: text, zoneState: exactly({ available: Type.Boolean() }), hosts }),
    ),
  })
const detailAnswer = zonesAnswer(Type.Record(text, Type.Record(text, service)))

export const zoneRoutes = [
  route({
    method: 'GET',
    path: '/os-availability-zone',
    policy: list,
    answer: { 200: zonesAnswer(Type.Null()) },
    async handle({ ctx }, deps) {
      ctx.authorize(list)
      const zones = [...(await zonesOf(deps))].filter(([name]) => name !== deps.config.internalZone)
      const view = ([zoneName, services]: [string, Service[]]) => ({
        zoneName,
        zoneState: { available: services.some((each) => !each.isDisabled) },
        hosts: null,
      })
      return { status: 200, body: { availabilityZoneInfo: zones.map(view) } }
    },
  }),
  route({
    method: 'GET',
    path: '/os-availability-zone/detail',
    policy: detail,
    answer: { 200: detailAnswer },
    async handle({ ctx }, deps) {
      ctx.authorize(detail)
      const view = ([zoneName, services]: [string, Service[]]) => {
        const hosts: Record<string, Record<string, Shown<typeof service>>> = {}
        for (const service of services) {
          const state = {
            available: isUp(service, deps.config.serviceDownTime),
            active: !service.isDisabled,
            updated_at: toOldTime(service.lastSeenAt),
          }
          hosts[service.host] = { ...hosts[service.host], [service.binary]: state }
        }
        return { zoneName, zoneState: { available: true }, hosts }
      }
      return { status: 200, body: { availabilityZoneInfo: [...(await zonesOf(deps))].map(view) } }
    },
  }),
]
