/** The body of `POST /servers` in this program's words; what it asks and cannot be had is refused here. */
import type { Static } from 'typebox'
import { canonicalIp } from '../../../../base/ip.ts'
import type { Context } from '../../../../platform/auth/context.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { ComputeDeps } from '../../deps.ts'
import { Invalid } from '../../errors.ts'
import type { NewServer } from '../../operations/create-server.ts'
import { listHosts } from '../../store/hosts.ts'
import { isTrue } from '../links.ts'
import * as policy from './policy.ts'
import type { createBody } from './schema.ts'

type Body = Static<typeof createBody.widest>
type ServerBody = Body['server']

export async function toNewServer(
  ctx: Context,
  deps: ComputeDeps,
  body: Body,
  version: ApiVersion,
): Promise<NewServer> {
  const { server } = body
  const target = { project_id: ctx.projectId, user_id: ctx.userId }
  const minCount = Number(server.min_count ?? 1)
  const maxCount = Number(server.max_count ?? minCount)
  if (minCount > maxCount) throw new Invalid('min_count must be <= max_count')
  if (maxCount > 1 && server.hostname !== undefined) {
    throw new Invalid('Requesting a specific hostname is not possible when creating multiple servers')
  }
  const networks = toNetworks(server, version)
  if (Array.isArray(networks) && networks.length > 0) ctx.authorize(policy.attachNetwork, target)
  const { zone, host } = await destination(ctx, deps, server)
  const hints = body['os:scheduler_hints'] ?? body['OS-SCH-HNT:scheduler_hints'] ?? {}
  const [group, ...others] = [hints.group ?? []].flat()
  if (others.length > 0) throw new Invalid('A server can be of one server group only.')
  if (server.trusted_image_certificates)
    throw new Invalid('Image signature certificate validation is not available in this cloud.')
  return {
    name: server.name,
    hostname: server.hostname ?? null,
    description:
      server.description !== undefined ? server.description : version.has('server-description') ? null : server.name,
    imageId: imageOf(server),
    flavorId: String(server.flavorRef).split('/').at(-1)!,
    networks,
    securityGroups: (server.security_groups ?? []).flatMap(({ name }) => name ?? []),
    metadata: server.metadata ?? {},
    tags: [...new Set(server.tags)],
    keyName: server.key_name ?? null,
    adminPass: server.adminPass ?? null,
    userData: server.user_data ?? null,
    hasConfigDrive: isTrue(server.config_drive ?? false),
    hasAutoDisk: server['OS-DCF:diskConfig'] === undefined ? null : server['OS-DCF:diskConfig'] === 'AUTO',
    injectedFiles: (server.personality ?? []).map(({ path = '', contents = '' }) => ({ path, contents })),
    zone,
    requestedHost: host,
    hints: {
      ...(group !== undefined && { group }),
      differentHost: [hints.different_host ?? []].flat(),
      sameHost: [hints.same_host ?? []].flat(),
    },
    minCount,
    maxCount,
    accessIpv4: server.accessIPv4 ?? null,
    accessIpv6: server.accessIPv6 === undefined ? null : canonicalIp(server.accessIPv6),
  }
}

/** Before 2.37 leaving `networks` out, or empty, means the project's one network. */
function toNetworks({ networks }: ServerBody, version: ApiVersion): NewServer['networks'] {
  if (networks === 'auto' || networks === 'none') return networks
  if (networks === undefined || networks.length === 0) return version.has('network-auto') ? 'none' : 'default'
  return networks.map(({ uuid, port, fixed_ip: fixedIp, tag }) => {
    if (port && fixedIp)
      throw new Invalid(
        `Specified Fixed IP '${fixedIp}' cannot be used with port '${port}': the two cannot be specified together.`,
      )
    if (!port && !uuid) throw new Invalid("Bad network format: missing 'uuid'")
    return { networkId: uuid ?? null, portId: port ?? null, fixedIp: fixedIp ?? null, tag: tag ?? null }
  })
}

function imageOf({ imageRef, block_device_mapping_v2: devices }: ServerBody): string | null {
  const named = imageRef || null
  for (const device of devices ?? []) {
    const isLocalImage =
      device.source_type === 'image' && device.destination_type === 'local' && Number(device.boot_index ?? -1) === 0
    if (!isLocalImage || device.uuid === undefined) {
      throw new Invalid(
        'Block Device Mapping is Invalid: only an image as local boot disk is supported, there is no volume service.',
      )
    }
    if (named !== null && device.uuid !== named)
      throw new Invalid('Block Device Mapping is Invalid: boot image differs from imageRef.')
    if (named === null) return device.uuid
  }
  return named
}

/** `zone:host:node` forces a host, `host` and `hypervisor_hostname` request one; both are for admins. */
async function destination(
  ctx: Context,
  deps: ComputeDeps,
  server: ServerBody,
): Promise<{ zone: string | null; host: string | null }> {
  const target = { project_id: ctx.projectId, user_id: ctx.userId }
  const [zone, forced] = (server.availability_zone ?? '').split(':')
  const known = async () => listHosts(deps.database.db)
  if (forced) {
    ctx.authorize(policy.forcedHost, target)
    if (!(await known()).some((each) => each.host === forced))
      throw new Invalid(`No valid host was found. No such host - host: ${forced}`)
    return { zone: zone || null, host: forced }
  }
  const wanted = server.host ?? server.hypervisor_hostname
  if (wanted === undefined) return { zone: zone || null, host: null }
  ctx.authorize(policy.requestedDestination, target)
  const found = (await known()).find(
    (each) =>
      (server.host ?? each.host) === each.host &&
      (server.hypervisor_hostname ?? each.report.hypervisorHostname) === each.report.hypervisorHostname,
  )
  if (!found) throw new Invalid(`Compute host ${wanted} could not be found.`)
  return { zone: zone || null, host: found.host }
}
