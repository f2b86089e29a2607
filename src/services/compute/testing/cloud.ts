/** Nova with everything around it in one process, for tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Credentials } from '../../../platform/auth/credentials.ts'
import { Secret } from '../../../platform/auth/secret.ts'
import { someone } from '../../../platform/auth/testing.ts'
import { nameDeadProcess, testDatabaseUrl } from '../../../platform/db/testing.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { LocalBus } from '../../../platform/rpc/local-bus.ts'
import { rpcClient, rpcServe } from '../../../platform/rpc/contract.ts'
import { computeContract, type GuestDescription } from '../rpc/compute.ts'
import { conductorContract, type HostReport, type ServerReport } from '../rpc/conductor.ts'
import { testEnv } from '../../../platform/testing/service-env.ts'
import { openComputeService, type ComputeService } from '../roles.ts'
import { FakeIdentity, FakeImages, FakeNetwork, FakeSecurityGroups, FakePlacement } from './fakes.ts'

const credentials = (userId: string, projectId: string, roles: string[]): Credentials =>
  someone({
    userId,
    userName: userId,
    projectId,
    projectName: projectId,
    roles,
    token: new Secret(userId),
    auditId: userId,
  })

export const p1 = '1'.repeat(32)
export const p2 = '2'.repeat(32)
export const adminProject = 'f'.repeat(32)
const tokens: Record<string, Credentials> = {
  admin: credentials('admin', adminProject, ['admin', 'member', 'reader']),
  demo: credentials('demo', p1, ['member', 'reader']),
  other: credentials('other', p2, ['member', 'reader']),
  reader: credentials('reader', p1, ['reader']),
}

const implied: Record<string, string[]> = {
  admin: ['admin', 'manager', 'member', 'reader'],
  manager: ['manager', 'member', 'reader'],
  member: ['member', 'reader'],
  reader: ['reader'],
  service: ['service'],
  none: [],
}

/** Who bears a token: one of the four, or anybody by `role@project`. */
export function callerOf(token: string): Credentials | null {
  const [role = '', project] = token.split('@')
  const roles = project === undefined ? undefined : implied[role]
  return tokens[token] ?? (roles ? credentials(token, project!, roles) : null)
}

/** A host as nova sees it: does at once what is wanted. */
export class FakeAgent {
  readonly host: string
  readonly guests = new Map<string, { revision: number; power: ServerReport['power']; reboots: number }>()
  uptime: string | null = null
  /** What the control plane said at the last full look of guests that it does not want. */
  verdicts = new Map<string, string>()
  /** Keeps guests from starting. */
  isStuck = false
  failure: ServerReport['error'] = null
  /** Guests run on, but their interfaces cannot be changed. */
  portFailure: ServerReport['error'] = null
  readonly #conductor
  readonly #stop: () => void

  constructor(bus: LocalBus, host: string) {
    this.host = host
    const mine = bus.forHost(host)
    this.#conductor = rpcClient(mine, conductorContract)
    this.#stop = rpcServe(mine, computeContract, host, {
      look: async ({ ids }) => this.look(ids),
      whoServes: async () => ({ session: host }),
      describeGuests: async ({ ids }) => ({ guests: this.#describe(ids) }),
      removeGuest: async ({ id }) => {
        this.guests.delete(id)
        return {}
      },
      getHostUptime: async () => ({ uptime: this.uptime }),
      getConsoleOutput: async () => ({ output: 'hello' }),
      openVncConsole: async () => ({ socketPath: '/x', host: '', port: 0, ticket: 't' }),
    })
  }

  async heartbeat(changes: Partial<HostReport> = {}) {
    const report: HostReport = {
      hypervisorType: 'QEMU',
      hypervisorVersion: 7002000,
      hypervisorHostname: this.host,
      hostIp: '127.0.0.1',
      vcpus: 64,
      memoryMb: 65536,
      diskGb: 1000,
      runningGuests: 0,
      cpuInfo: '{}',
      architecture: 'x86_64',
      traits: [],
      ...changes,
    }
    await this.#conductor.reportHost(null, { host: this.host, report })
  }

  async look(ids?: readonly string[]) {
    const guests = [...this.guests].map(([id, { revision }]) => ({ id, revision }))
    const asked = ids ? { ids: [...ids] } : { guests }
    const { servers, verdicts } = await this.#conductor.pullServers(null, { host: this.host, ...asked })
    this.verdicts = new Map(verdicts.map(({ id, verdict }) => [id, verdict]))
    const reports = servers.flatMap((server): ServerReport[] => {
      const isAbsent = server.power === 'absent'
      if (this.isStuck && !isAbsent) return []
      const isWaiting = server.ports.some((port) => !port.isActive) && !isAbsent
      const power = isAbsent
        ? 'missing'
        : this.failure
          ? 'shutdown'
          : isWaiting
            ? 'building'
            : (server.power as 'running')
      if (isAbsent) this.guests.delete(server.id)
      else this.guests.set(server.id, { revision: server.revision, power, reboots: server.reboot.generation })
      const error = isAbsent ? null : (this.failure ?? this.portFailure)
      return [this.#report(server.id, server.revision, power, server.reboot.generation, error)]
    })
    if (reports.length > 0) await this.#conductor.reportServers(null, { host: this.host, reports })
  }

  /** The guest does something by itself. */
  async happens(id: string, power: ServerReport['power'], error: ServerReport['error'] = null) {
    const guest = this.guests.get(id)!
    await this.#conductor.reportServers(null, {
      host: this.host,
      reports: [this.#report(id, guest.revision, power, guest.reboots, error)],
    })
  }

  #report = (
    id: string,
    revision: number,
    power: ServerReport['power'],
    rebootGeneration: number,
    error: ServerReport['error'],
  ): ServerReport => ({
    id,
    revision,
    power,
    rebootGeneration,
    events: [],
    error,
  })

  #describe(ids: readonly string[]): GuestDescription[] {
    return ids.flatMap((id) => {
      const guest = this.guests.get(id)
      if (!guest) return []
      const power = guest.power === 'running' || guest.power === 'paused' ? guest.power : 'shutdown'
      return [{ id, name: `name of ${id}`, projectId: p1, power, revision: guest.revision, since: 1, disks: [] }]
    })
  }

  stop() {
    this.#stop()
  }
}

export class TestCloud {
  readonly folder: string
  readonly bus = new LocalBus()
  readonly identity = new FakeIdentity()
  readonly image = new FakeImages()
  readonly placement: FakePlacement
  readonly network: FakeNetwork
  readonly securityGroups: FakeSecurityGroups
  /** What an operator is told of the conductor, in order. */
  readonly notices: (string | null)[] = []
  service!: ComputeService
  databaseUrl = ''

  /** What is given it shares with other processes. */
  constructor({
    folder = mkdtempSync(join(tmpdir(), 'nephos-compute-')),
    placement = new FakePlacement(),
    network = new FakeNetwork(),
    securityGroups = new FakeSecurityGroups(network),
  }: Partial<Pick<TestCloud, 'folder' | 'placement' | 'network' | 'securityGroups'>> = {}) {
    this.folder = folder
    this.placement = placement
    this.network = network
    this.securityGroups = securityGroups
  }

  /** A service on this cloud's database; an earlier one may be gone without having stopped. */
  async start(): Promise<void> {
    this.service = await this.startAnother()
  }

  /** Another process beside it; `host` is the machine that it is on. */
  async startAnother(host = 'control'): Promise<ComputeService> {
    this.databaseUrl = await testDatabaseUrl(this.folder, 'nova')
    const service = await openComputeService(
      testEnv('compute', {
        stateDir: this.folder,
        configFiles: [join(this.folder, 'nova.conf')],
        databaseUrl: this.databaseUrl,
        log: createLogger({ name: 'test', ...(process.env['TEST_LOG'] && { file: process.env['TEST_LOG'] }) }),
        bus: this.bus,
        host,
        ...(host === 'control' && { processName: nameDeadProcess() }),
        authenticator: { validate: async (token) => callerOf(token) },
        report: (_role, notice) => this.notices.push(notice),
      }),
      {
        identity: this.identity,
        image: this.image,
        placement: this.placement,
        network: this.network,
        securityGroups: this.securityGroups,
      },
    )
    for (const role of ['nova-api', 'nova-scheduler', 'nova-conductor']) await service.start(role)
    return service
  }

  async call(token: string, method: string, path: string, json?: unknown, version = '2.96', service = this.service) {
    const headers = { 'x-auth-token': token, 'openstack-api-version': `compute ${version}` }
    const answer = await service.apps['compute']!.dispatch({
      method,
      url: `/v2.1${path}`,
      headers,
      ...(json !== undefined && { json }),
    })
    // JSON as a client would get it.
    const body = (answer.body === undefined ? undefined : JSON.parse(JSON.stringify(answer.body))) as Tree
    return { status: answer.status, headers: answer.headers, body }
  }

  async stop() {
    await this.service.stop()
    rmSync(this.folder, { recursive: true })
  }
}

/** A JSON value of any shape: tests say what they expect of it. */
export interface Tree {
  [key: string]: Tree
}

/** Waits until `look` gives something; fails after ten seconds. */
export async function eventually<T>(look: () => Promise<T | undefined | false>, what: string): Promise<T> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const value = await look()
    if (value !== undefined && value !== false) return value
    if (Date.now() > deadline) throw new Error(`${what} did not happen`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
