/** The agent process of a host: the only one with privileges. Started and watched by `nephos up`. Arguments: STATE_DIR. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { findUser } from '../host/users.ts'
import { Secret } from '../platform/auth/secret.ts'
import { httpTransport, ServiceClient } from '../platform/http/client.ts'
import { reopenLogFiles } from '../platform/log/log-file.ts'
import { SocketBus } from '../platform/rpc/socket-bus.ts'
import { ComputeAgent } from '../services/compute/agent/agent.ts'
import { passGate, type HostGateOptions } from '../services/compute/agent/host-gate.ts'
import { QemuDriver } from '../services/compute/drivers/qemu/driver.ts'
import { ImageClient } from '../services/image/client.ts'
import { createNetworkAgent } from '../services/network/agent/agent.ts'
import { guestUser, openWay } from './guest-user.ts'
import { logOf } from './logs.ts'
import { ensureProviderBridge } from './provider-bridge.ts'
import { beat, RoleBoard, tell } from './roles.ts'
import { serviceTokens } from './service-token.ts'
import { loadSecrets, paths, providerBridge, readSettings, urlOf } from './settings.ts'
import { serviceUsers } from './up.ts'

async function run(stateDir: string) {
  const settings = readSettings(stateDir)
  if (!settings) throw new Error(`${stateDir} has no settings.json; start the cloud with nephos up`)
  const secrets = loadSecrets(stateDir, serviceUsers)
  const host = hostname()
  const board = new RoleBoard((roles) => tell({ type: 'roles', roles }))
  const log = logOf(stateDir, 'nova-compute', 'compute')
  const bus = new SocketBus({ path: paths(stateDir).bus, key: new Secret(secrets.busKey), log }, host)

  const bridge = providerBridge(settings.name)
  const network = createNetworkAgent({
    host,
    bus,
    stateDir: join(stateDir, 'network-agent'),
    cloudName: settings.name,
    log: logOf(stateDir, 'neutron-agent', 'network'),
    bridgeMappings: new Map([['provider', bridge]]),
    ownBridges: new Map([[bridge, () => ensureProviderBridge(bridge, settings.providerCidr)]]),
    localIp: '127.0.0.1',
    metadataUrl: urlOf(settings, 'metadata'),
    metadataSecret: new Secret(secrets.metadataSecret),
    onHealth: (role, error) => board.set(role, 'up', error),
  })

  const identity = httpTransport(urlOf(settings, 'identity'))
  const token = serviceTokens(identity, 'nova', secrets.servicePasswords['nova'] ?? '')
  const images = new ImageClient(new ServiceClient('image', httpTransport(urlOf(settings, 'image')), token))
  const user = await findUser(guestUser)
  if (user) openWay(stateDir, user)
  const driver = new QemuDriver({
    host,
    stateDir: join(stateDir, 'instances'),
    log,
    fetchImage: async (id: string): Promise<Readable> => images.download(id),
    ...(user && { user }),
    onRemark: (text) => tell({ type: 'remark', text }),
  })
  const networkRoles = ['neutron-linuxbridge-agent', 'neutron-dhcp-agent', 'neutron-l3-agent', 'neutron-metadata-agent']
  const stopping = new AbortController()
  const started: { stop(): Promise<void> }[] = []
  const stop = async () => {
    stopping.abort()
    for (const agent of started.reverse()) await agent.stop().catch(() => undefined)
    bus.close()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop())
  process.on('disconnect', () => void stop())
  process.on('SIGINT', () => undefined)
  process.on('SIGHUP', reopenLogFiles)

  const hold = (reason: string) => {
    board.set('nova-compute', 'down', reason)
    tell({ type: 'ready' })
  }
  let isNetworkUp = false
  const startNetwork = async () => {
    if (isNetworkUp) return
    isNetworkUp = true
    started.push(network)
    bus.onConnect(() => network.look())
    await network.start()
    for (const role of networkRoles) board.set(role, 'up')
  }

  await bus.whenConnected()
  const gate: HostGateOptions = {
    host,
    bus,
    stateDir,
    log,
    countGuests: async () => (await driver.listGuests()).length,
    onObstacle: (obstacle) => {
      for (const role of networkRoles) board.set(role, 'down', 'waits for nova-compute')
      hold(`held: ${obstacle}`)
    },
    onSilence: (error, isSame) => {
      // Ports and routers need no nova.
      if (isSame) void startNetwork()
      hold(error instanceof Error ? error.message : String(error))
    },
  }
  const session = await passGate(gate, stopping.signal)
  if (stopping.signal.aborted) return
  await startNetwork()
  const health: { error: string | null; notice: string | null } = { error: null, notice: null }
  const show = (change: Partial<typeof health>) => {
    const { error, notice } = Object.assign(health, change)
    board.set('nova-compute', error === null ? 'up' : 'down', error ?? notice)
  }
  const compute = new ComputeAgent({
    host,
    bus,
    driver,
    stateDir: join(stateDir, 'compute-agent'),
    log,
    session,
    onHealth: (error) => show({ error }),
    onNotice: (notice) => show({ notice }),
  })
  bus.onConnect(() => compute.reconnected())
  started.push(compute)
  await compute.start()
  tell({ type: 'ready' })
}

beat()
run(process.argv[2] ?? '').catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error)
  tell({ type: 'failed', error: reason })
  console.error(process.env['NEPHOS_LOG'] === 'debug' ? error : reason)
  process.exitCode = 1
  setTimeout(() => process.exit(1), 50)
})
