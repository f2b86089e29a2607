/** What the system tests of the agent share: a host of its own, a neutron-server that is a value, guests that are namespaces. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { tapName } from '../../../base/device-names.ts'
import { waitFor } from '../../../base/wait.ts'
import { run } from '../../../host/command.ts'
import { ensureAddresses, ensureBridge, ensureVethPair } from '../../../host/links.ts'
import { ensureNetns } from '../../../host/netns.ts'
import { Secret } from '../../../platform/auth/secret.ts'
import { createLogger, type Logger } from '../../../platform/log/log.ts'
import { rpcFanout, rpcServe } from '../../../platform/rpc/contract.ts'
import { LocalBus } from '../../../platform/rpc/local-bus.ts'
import {
  agentContracts,
  neutronContract,
  type HostPort,
  type HostSecurityGroup,
  type HostState,
} from '../rpc/host-state.ts'
import { agentParts, sliceOf, type AgentPart } from '../rpc/parts.ts'
import { createNetworkAgent, type NetworkAgent } from './agent.ts'
import { destroyNetworking } from './destroy.ts'

type Rule = HostSecurityGroup['rules'][number]
export const securityRule = (direction: Rule['direction'], more: Partial<Rule> = {}): Rule => ({
  id: `${direction}-${JSON.stringify(more)}`,
  direction,
  ethertype: 'IPv4',
  protocol: null,
  portRangeMin: null,
  portRangeMax: null,
  remoteCidr: null,
  remoteGroupId: null,
  ...more,
})

/** An id that is told apart by its first letters. */
export const testId = (word: string): string =>
  `${Buffer.from(word).toString('hex').padEnd(12, '0').slice(0, 8)}-${Buffer.from(word).toString('hex').slice(8, 12).padEnd(4, '0')}-4000-8000-000000000000`

export interface Guest {
  netns: string
  port: HostPort
}

export function guestPort(
  name: string,
  number: number,
  networkId: string,
  ips: readonly string[],
  more: Partial<HostPort> = {},
): HostPort {
  const id = testId(name)
  return {
    id,
    networkId,
    mac: `fa:16:3e:00:01:${number.toString(16).padStart(2, '0')}`,
    deviceOwner: 'compute:nova',
    deviceId: `server-${name}`,
    tap: tapName(id),
    adminStateUp: true,
    portSecurityEnabled: true,
    allowedAddressPairs: [],
    securityGroupIds: [],
    fixedIps: ips.map((ip) => ({ ip, subnetId: 's', prefixLength: ip.includes(':') ? 64 : 24 })),
    ...more,
  }
}

async function makeProvider(): Promise<void> {
  await ensureBridge({ name: 'br-provider' })
  await ensureAddresses('br-provider', ['203.0.113.1/24'])
}

/** One host with its agents, in this process unless told. The bridge of the physical network has 203.0.113.1/24. */
export class Lab {
  readonly up = new Set<string>()
  readonly down = new Set<string>()
  /** Of the agents that were heard. */
  readonly binaries = new Set<string>()
  readonly reports: { portId: string; message: string }[] = []
  readonly errors: { what?: string; message?: string }[] = []
  readonly bus = new LocalBus('host1')
  readonly log: Logger
  /** Those that run in this process. */
  readonly parts: readonly AgentPart[]
  #agent: NetworkAgent | undefined
  /** neutron-server answers nobody. */
  isAway = false
  state: HostState
  /** False: the server is another one than the agent followed. */
  isSuccessor = true
  readonly stateDir: string
  readonly #metadata: Server
  readonly #fullLookMs: number
  readonly #guests: Guest[] = []

  private constructor(
    state: HostState,
    stateDir: string,
    metadata: Server,
    { fullLookMs, parts }: { fullLookMs: number; parts: readonly AgentPart[] },
  ) {
    this.state = state
    this.parts = parts
    this.stateDir = stateDir
    this.#metadata = metadata
    this.#fullLookMs = fullLookMs
    const quiet = createLogger({ name: 'test' })
    this.log = {
      ...quiet,
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields: object) => void this.errors.push(fields),
      child: () => this.log,
    }
  }

  static async start(state: HostState, { fullLookMs = 30_000, parts = agentParts } = {}): Promise<Lab> {
    const metadata = createServer((request, response) => {
      request.resume()
      request.on('end', () => response.end(JSON.stringify(request.headers)))
    })
    await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve))
    const stateDir = join(await mkdtemp(join(tmpdir(), 'nephos-agent-')), 'network-agent')
    const lab = new Lab(state, stateDir, metadata, { fullLookMs, parts })
    rpcServe(lab.bus, neutronContract, 'server', {
      pullPorts: async () => ({ revision: 0, ports: null }),
      pullHost: async ({ revision, parts }) => {
        if (lab.isAway) throw new Error('away')
        const names = parts.map(({ name }) => name)
        const state = revision === lab.state.revision ? null : sliceOf(lab.state, names)
        return { state, epoch: 'e', doubted: lab.isSuccessor ? [] : names.map((name) => ({ name, reason: 'other' })) }
      },
      reportPorts: async (report) => {
        for (const each of report.up) {
          lab.up.add(each)
          lab.down.delete(each)
        }
        for (const each of report.down) {
          lab.down.add(each)
          lab.up.delete(each)
        }
        lab.reports.push(...report.errors)
        return {}
      },
      reportAgents: async ({ agents }) => {
        for (const { binary } of agents) lab.binaries.add(binary)
        return {}
      },
    })
    await makeProvider()
    await lab.startAgent()
    return lab
  }

  get metadataUrl(): string {
    return `http://127.0.0.1:${(this.#metadata.address() as AddressInfo).port}`
  }

  async startAgent(): Promise<void> {
    if (this.parts.length === 0) return
    this.#agent = createNetworkAgent({
      host: 'host1',
      bus: this.bus,
      stateDir: this.stateDir,
      cloudName: 'lab',
      log: this.log,
      bridgeMappings: new Map([['provider', 'br-provider']]),
      ownBridges: new Map([['br-provider', makeProvider]]),
      localIp: '127.0.0.1',
      parts: this.parts,
      metadata: { url: this.metadataUrl, secret: new Secret('key') },
      fullLookMs: this.#fullLookMs,
    })
    await this.#agent.start()
  }

  async stopAgent(): Promise<void> {
    await this.#agent?.stop()
  }

  /** Changes what neutron-server says, and waits until it is so: the pulls that follow find nothing new. */
  async change(changes: Partial<HostState>): Promise<void> {
    this.state = { ...this.state, ...changes, revision: this.state.revision + 1 }
    for (const contract of Object.values(agentContracts)) await rpcFanout(this.bus, contract).look({})
  }

  /** Makes the guest of a port: a namespace at the other end of a cable that is called like its tap. */
  async plug(netns: string, port: HostPort, addresses: readonly string[] = []): Promise<Guest> {
    const guest = { netns, port }
    this.#guests.push(guest)
    await ensureNetns(netns)
    await ensureVethPair({ name: port.tap }, { name: 'eth0', netns, mac: port.mac })
    await ensureAddresses('eth0', addresses, { netns })
    await waitFor(async () => this.up.has(port.id) || undefined, { what: `port of ${netns}`, timeoutMs: 20_000 })
    return guest
  }

  async stop(): Promise<void> {
    await this.stopAgent()
    this.#metadata.close()
    this.#metadata.closeAllConnections()
    for (const { netns, port } of this.#guests) {
      await run(['ip', 'netns', 'delete', netns]).catch(() => undefined)
      await run(['ip', 'link', 'delete', port.tap]).catch(() => undefined)
    }
    await destroyNetworking({ stateDir: this.stateDir, log: this.log })
    await rm(dirname(this.stateDir), { recursive: true })
  }
}

/** Whether an address answers. */
export const pings = (netns: string | undefined, address: string, ...options: string[]): Promise<boolean> =>
  run(['ping', '-c1', '-W1', ...options, address], { netns }).then(
    () => true,
    () => false,
  )
