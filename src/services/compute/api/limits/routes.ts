import { Type } from 'typebox'
import { exactly, until } from '../../../../platform/http/answers.ts'
import { rule } from '../../../../platform/auth/policy.ts'
import { last } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { limitsOf } from '../../operations/quotas.ts'
import { countGroups } from '../../store/server-groups.ts'
import { usageOf } from '../../store/servers.ts'
import { number } from '../answers.ts'
import { admin } from '../base-policy.ts'
import { query, text } from '../parameter-types.ts'

const show = rule('os_compute_api:limits', '@', 'Show limits of the own project', 'GET /limits')
const other = rule('os_compute_api:limits:other_project', admin, 'Show limits of another project', 'GET /limits')
export const limitRules = [show, other]

const personality = 'no-personality'
const limitsAnswer = exactly({
  limits: exactly({
    rate: Type.Array(Type.Unknown()),
    absolute: exactly({
      maxTotalInstances: number,
      maxTotalCores: number,
      maxTotalRAMSize: number,
      maxServerMeta: number,
      maxTotalKeypairs: number,
      maxServerGroups: number,
      maxServerGroupMembers: number,
      totalInstancesUsed: number,
      totalCoresUsed: number,
      totalRAMUsed: number,
      totalServerGroupsUsed: number,
      maxImageMeta: until('image-metadata-ends', number),
      maxPersonality: until(personality, number),
      maxPersonalitySize: until(personality, number),
      maxTotalFloatingIps: until('no-proxies', number),
      maxSecurityGroups: until('no-proxies', number),
      maxSecurityGroupRules: until('no-proxies', number),
      totalFloatingIpsUsed: until('no-proxies', number),
      totalSecurityGroupsUsed: until('no-proxies', number),
    }),
  }),
})

export const limitRoutes = [
  route({
    method: 'GET',
    path: '/limits',
    policy: [show, other],
    query: query({ tenant_id: text }),
    answer: { 200: limitsAnswer },
    async handle({ ctx, query: asked, version }, { database, config }) {
      ctx.authorize(show)
      const wanted = last(asked, 'tenant_id')
      if (wanted !== undefined && wanted !== ctx.projectId) ctx.authorize(other)
      const projectId = wanted ?? ctx.projectId ?? ''
      const { db } = database
      const [limits, used, groups] = await Promise.all([
        limitsOf(db, config, projectId),
        usageOf(db, projectId),
        countGroups(db, projectId),
      ])
      const hasProxies = !version.has('no-proxies')
      const absolute = {
        maxTotalInstances: limits['instances'],
        maxTotalCores: limits['cores'],
        maxTotalRAMSize: limits['ram'],
        maxServerMeta: limits['metadata_items'],
        maxTotalKeypairs: limits['key_pairs'],
        maxServerGroups: limits['server_groups'],
        maxServerGroupMembers: limits['server_group_members'],
        totalInstancesUsed: used.instances,
        totalCoresUsed: used.cores,
        totalRAMUsed: used.ram,
        totalServerGroupsUsed: groups,
        ...(!version.has('image-metadata-ends') && { maxImageMeta: limits['metadata_items'] }),
        ...(!version.has('no-personality') && {
          maxPersonality: limits['injected_files'],
          maxPersonalitySize: limits['injected_file_content_bytes'],
        }),
        ...(hasProxies && {
          maxTotalFloatingIps: -1,
          maxSecurityGroups: -1,
          maxSecurityGroupRules: -1,
          totalFloatingIpsUsed: 0,
          totalSecurityGroupsUsed: 0,
        }),
      }
      return { status: 200, body: { limits: { rate: [], absolute } } }
    },
  }),
]
