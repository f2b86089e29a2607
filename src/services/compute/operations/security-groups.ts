/** Security groups of servers: nova passes them on to the ports, with the rights of the user. */
import type { Context } from '../../../platform/auth/context.ts'
import { asServiceError, messageIn, RemoteError } from '../../../platform/http/client.ts'
import type { ComputeDeps, SecurityGroup } from '../deps.ts'
import { ServiceError, Invalid, Conflict, NotFound } from '../errors.ts'
import type { Server } from '../model/server.ts'
import { updateServer } from '../store/servers.ts'
import { cannotApplyGroups } from './usable.ts'

/** Runs calls to neutron; what it refuses is refused in its words, where nova knows no conflicts but quotas. */
export async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof RemoteError) || error.status !== 409) throw asServiceError(error)
    const isQuota = JSON.stringify(error.body ?? '').includes('OverQuota')
    throw new ServiceError(isQuota ? 'forbidden' : 'invalid', messageIn(error.body), { cause: error })
  }
}

/** The groups of the server's ports. */
export async function groupsOfServer(ctx: Context, { securityGroups }: ComputeDeps, server: Server) {
  const ports = await securityGroups.groupsOfPorts(ctx.token, server.id)
  return securityGroups.list(ctx.token, { ids: [...new Set(ports.flatMap(({ groupIds }) => groupIds))] })
}

/** Gives every port that can have groups this one. Throws 404 for an unknown group, 400 when no port can have any. */
export async function addGroup(ctx: Context, deps: ComputeDeps, server: Server, nameOrId: string): Promise<void> {
  const group = await findGroup(ctx, deps, server.projectId, nameOrId)
  const ports = (await portsOf(ctx, deps, server)).filter(({ canHaveGroups }) => canHaveGroups)
  if (ports.length === 0) throw cannotApplyGroups()
  for (const { portId, groupIds } of ports) {
    if (!groupIds.includes(group.id)) await deps.securityGroups.setGroups(ctx.token, portId, [...groupIds, group.id])
  }
  await rememberGroups(ctx, deps, server)
}

/** Takes it from every port. Throws 404 when no port has it. */
export async function removeGroup(ctx: Context, deps: ComputeDeps, server: Server, nameOrId: string): Promise<void> {
  const group = await findGroup(ctx, deps, server.projectId, nameOrId)
  const ports = (await portsOf(ctx, deps, server)).filter(({ groupIds }) => groupIds.includes(group.id))
  if (ports.length === 0) throw new NotFound(`Security group ${group.id} not associated with the instance ${server.id}`)
  for (const { portId, groupIds } of ports) {
    await deps.securityGroups.setGroups(
      ctx.token,
      portId,
      groupIds.filter((id) => id !== group.id),
    )
  }
  await rememberGroups(ctx, deps, server)
}

async function portsOf(ctx: Context, { securityGroups }: ComputeDeps, server: Server) {
  const ports = await securityGroups.groupsOfPorts(ctx.token, server.id)
  if (ports.length === 0) throw new Invalid(`instance ${server.id} has no port to have security groups`)
  return ports
}

async function findGroup(
  ctx: Context,
  { securityGroups }: ComputeDeps,
  projectId: string,
  nameOrId: string,
): Promise<SecurityGroup> {
  const groups = await securityGroups.list(ctx.token, { projectId })
  const byId = groups.find(({ id }) => id === nameOrId)
  const named = groups.filter(({ name }) => name === nameOrId)
  if (!byId && named.length > 1)
    throw new Conflict(`Multiple security groups found matching '${nameOrId}'. Use an ID to be more specific.`)
  const found = byId ?? named[0]
  if (!found) throw new NotFound(`Security group ${nameOrId} not found for project ${projectId}.`)
  return found
}

/** The names that the server shows. */
async function rememberGroups(ctx: Context, deps: ComputeDeps, server: Server) {
  const securityGroups = (await groupsOfServer(ctx, deps, server)).map(({ name }) => name).toSorted()
  await deps.database.transaction((tx) => updateServer(tx, server.id, { securityGroups }))
}
