/** Which networks, ports and security groups a new server asks for, checked while the user still listens. */
import type { Context } from '../../../platform/auth/context.ts'
import type { WantedPort } from '../conductor/ports.ts'
import type { ComputeDeps, NetworkInfo, PortInfo } from '../deps.ts'
import { Invalid, Conflict } from '../errors.ts'
import type { NewServer } from './create-server.ts'
import { cannotApplyGroups, requireUsableNetwork, requireUsablePort } from './usable.ts'

export interface CheckedNetworks {
  /** `auto`: neutron is to make the project's topology. */
  networks: WantedPort[] | 'auto' | 'none'
  /** Security groups of the ports that the user brings, by id. */
  groupsOfPorts: string[]
}

/** The networks as the user sees them: with his own token, so that foreign ones do not exist. */
export async function checkNetworks(ctx: Context, deps: ComputeDeps, input: NewServer): Promise<CheckedNetworks> {
  const { networks } = input
  if (networks === 'none') return { networks, groupsOfPorts: [] }
  if (networks === 'auto' || networks === 'default')
    return { networks: await defaultNetwork(ctx, deps, networks), groupsOfPorts: [] }
  requireSingle(input, networks)
  await checkNamed(ctx, deps, networks)
  const ports: PortInfo[] = []
  for (const id of networks.flatMap(({ portId }) => portId ?? []))
    ports.push(await checkPort(ctx, deps, id, input.name))
  return { networks, groupsOfPorts: ports.flatMap(({ securityGroups }) => securityGroups) }
}

/** Several servers cannot share a port or an address. */
function requireSingle({ maxCount }: NewServer, networks: readonly WantedPort[]): void {
  const ports = networks.flatMap(({ portId }) => portId ?? [])
  const twice = ports.find((id, index) => ports.indexOf(id) !== index)
  if (twice !== undefined)
    throw new Invalid(`Port ID '${twice}' was specified twice: you cannot attach a port multiple times.`)
  if (maxCount === 1) return
  const failed = 'Failed to launch instances:'
  if (networks.some(({ fixedIp }) => fixedIp !== null))
    throw new Invalid(`${failed} max_count cannot be greater than 1 if an fixed_ip is specified.`)
  if (ports.length > 0)
    throw new Invalid(
      `${failed} Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.`,
    )
}

/** The one network of the project; without any, `auto` has neutron make one, and older clients get a server without. */
async function defaultNetwork(ctx: Context, { network }: ComputeDeps, wanted: 'auto' | 'default') {
  const projectId = ctx.projectId!
  const found = await network.listNetworks({ projectId }, ctx.token)
  if (found.length > 1) throw new Conflict('Multiple possible networks found, use a Network ID to be more specific.')
  const [only] = found
  if (only) {
    requireUsableNetwork(ctx, only, null)
    return [{ networkId: only.id, portId: null, fixedIp: null, tag: null, network: briefOf(only) }]
  }
  if (wanted === 'default') return 'none'
  if (!(await network.canAutoAllocate(projectId, ctx.token)))
    throw new Invalid(`Unable to automatically allocate a network for project ${projectId}`)
  return 'auto'
}

const briefOf = ({ name, mtu, portSecurityEnabled }: NetworkInfo) => ({ name, mtu, portSecurityEnabled })

async function checkNamed(ctx: Context, { network }: ComputeDeps, networks: readonly WantedPort[]): Promise<void> {
  const asked = networks.filter(({ portId }) => portId === null)
  const ids = [...new Set(asked.flatMap(({ networkId }) => networkId ?? []))]
  if (ids.length === 0) return
  const visible = await network.listNetworks({ ids }, ctx.token)
  const missing = ids.filter((id) => !visible.some((each) => each.id === id))
  if (missing.length > 0) throw new Invalid(`Network ${missing.join(', ')} could not be found.`)
  for (const wanted of asked) {
    const found = visible.find(({ id }) => id === wanted.networkId)!
    requireUsableNetwork(ctx, found, wanted.fixedIp)
    wanted.network = briefOf(found)
    if (wanted.fixedIp === null) continue
    const [user] = await network.listPorts({ networkId: found.id, address: wanted.fixedIp }, ctx.token)
    if (user) throw new Invalid(`Fixed IP address ${wanted.fixedIp} is already in use on instance ${user.deviceId}.`)
  }
}

async function checkPort(ctx: Context, { network }: ComputeDeps, id: string, server: string): Promise<PortInfo> {
  const port = await network.getPort(id, ctx.token)
  if (!port) throw new Invalid(`Port id ${id} could not be found.`)
  requireUsablePort(port, ctx.projectId ?? '', server)
  if (port.deviceId !== '') throw new Conflict(`Port ${id} is still in use.`)
  return port
}

export interface CheckedGroups {
  /** What new ports are made with; empty where neutron's default will do. */
  ids: string[]
  /** What the server shows. */
  names: string[]
}

/** The security groups of the server. Throws 400 on those that are not there, or that its networks cannot have. */
export async function checkSecurityGroups(
  ctx: Context,
  { network }: ComputeDeps,
  securityGroups: readonly string[],
  { networks, groupsOfPorts }: CheckedNetworks,
): Promise<CheckedGroups> {
  if (networks === 'none') return { ids: [], names: [] }
  // The default group is what neutron gives a port anyway: the common case asks nobody.
  const wanted = [...new Set(securityGroups)].filter((name) => name !== 'default')
  const made = networks === 'auto' ? [] : networks.filter(({ portId }) => portId === null)
  if (wanted.length > 0 && made.some((each) => each.network?.portSecurityEnabled === false)) throw cannotApplyGroups()
  const takesGroups = networks === 'auto' || made.some((each) => each.network?.portSecurityEnabled !== false)
  const known =
    wanted.length > 0 || groupsOfPorts.length > 0 ? await network.listSecurityGroups(ctx.projectId!, ctx.token) : []
  const found = wanted.map((nameOrId) => {
    const matches = known.filter((group) => group.id === nameOrId || group.name === nameOrId)
    const exact = matches.find((group) => group.id === nameOrId)
    if (matches.length === 0) throw new Invalid(`Security group ${nameOrId} not found.`)
    if (matches.length > 1 && !exact)
      throw new Conflict(`Multiple security groups found matching '${nameOrId}'. Use an ID to be more specific.`)
    return exact ?? matches[0]!
  })
  const hasDefault = wanted.length === 0 || securityGroups.includes('default')
  const defaultId = wanted.length > 0 && hasDefault ? known.filter(({ name }) => name === 'default') : []
  const names = [
    ...(takesGroups ? found.map(({ name }) => name) : []),
    ...(takesGroups && hasDefault ? ['default'] : []),
    ...known.filter(({ id }) => groupsOfPorts.includes(id)).map(({ name }) => name),
  ]
  return { ids: [...found, ...defaultId].map(({ id }) => id), names: [...new Set(names)] }
}
