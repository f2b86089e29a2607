/** A real network service in this process for tests, on a temporary SQLite file, with a few callers and a host. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Credentials } from '../../../platform/auth/credentials.ts'
import { someone } from '../../../platform/auth/testing.ts'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import { localTransport, type ClientResponse } from '../../../platform/http/client.ts'
import { rpcClient } from '../../../platform/rpc/contract.ts'
import { fakeAgent } from '../fake-agents.ts'
import { neutronContract, type HostState } from '../rpc/host-state.ts'
import { agentParts, type AgentPart } from '../rpc/parts.ts'
import { testEnv } from '../../../platform/testing/service-env.ts'
import { openNetworkService } from '../roles.ts'
import { Secret } from '../../../platform/auth/secret.ts'
import { LocalBus } from '../../../platform/rpc/local-bus.ts'

export type Item = { id: string } & Record<string, unknown>
export interface TestAnswer extends ClientResponse {
  body: Record<string, Item & Item[]>
}

export interface TestNetwork {
  readonly bus: LocalBus
  readonly databaseUrl: string
  /** `who` is a persona's name, `null` for no token. */
  send(
    who: string | null,
    method: string,
    path: string,
    json?: unknown,
    headers?: Record<string, string>,
  ): Promise<TestAnswer>
  /** As `send` below `/v2.0`; rejects on any status but 2xx and gives the resource. */
  make(who: string, method: string, path: string, json?: unknown): Promise<Item>
  /** Refused with this status; gives the error's type and message. */
  refused(
    status: number,
    who: string,
    method: string,
    path: string,
    json?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ type: string; message: string; detail: string }>
  /** What the agents of a host are told. */
  hostState(host: string): Promise<HostState>
  close(): Promise<void>
}

const implied: Readonly<Record<string, readonly string[]>> = {
  admin: ['admin', 'manager', 'member', 'reader'],
  manager: ['manager', 'member', 'reader'],
  member: ['member', 'reader'],
  reader: ['reader'],
  service: ['service'],
  none: [],
}

/** `role@project`: `admin@ops`, `member@one`, …; the role is part of the token's text. */
export function personaOf(token: string): Credentials | null {
  const [role = '', project = ''] = token.split('@')
  const roles = implied[role]
  if (!roles) return null
  return someone({
    userId: `user-${token}`,
    projectId: project === '' ? null : project,
    projectName: project,
    roles,
    token: new Secret(token),
  })
}

/** For a pull of what concerns these parts of a host that has followed nobody so far. */
export const followers = (parts: readonly AgentPart[] = agentParts) => parts.map((name) => ({ name, known: null }))

/** What two processes have in common. */
export interface SharedCloud {
  bus: LocalBus
  databaseUrl: string
  /** The machine of the next process. */
  host: string
}

/**
 * Starts it with one host whose agents live; `config` is the text of a neutron.conf, `policies` what a policy.yaml says.
 * With `shared` it is one more process of a cloud.
 */
export async function createTestNetwork(
  config = '',
  hosts: readonly string[] = ['h1'],
  shared?: SharedCloud,
  policies: Readonly<Record<string, string>> = {},
): Promise<TestNetwork> {
  const stateDir = mkdtempSync(join(tmpdir(), 'nephos-network-'))
  const file = join(stateDir, 'neutron.conf')
  writeFileSync(file, config)
  const { bus, databaseUrl, host } = shared ?? {
    bus: new LocalBus(),
    databaseUrl: await testDatabaseUrl(stateDir, 'network'),
    host: 'server',
  }
  const service = await openNetworkService(
    testEnv('network', {
      stateDir: join(stateDir, 'state'),
      configFiles: [file],
      databaseUrl,
      policyOverrides: policies,
      bus,
      host,
      authenticator: { validate: (token) => Promise.resolve(personaOf(token)) },
      connect: () => ({ send: () => Promise.resolve({ status: 200, headers: {}, body: {} }) }),
      serviceToken: () => Promise.resolve('service@service'),
    }),
  )
  await service.start()
  const agents = await Promise.all(hosts.map((host) => fakeAgent(bus.forHost(host), host)))
  const transport = localTransport(service.apps['network']!)
  const send: TestNetwork['send'] = async (who, method, path, json, headers = {}) =>
    (await transport.send({
      method,
      path,
      headers: { ...headers, ...(who !== null && { 'X-Auth-Token': who }) },
      ...(json !== undefined && { json }),
    })) as TestAnswer
  return {
    bus,
    databaseUrl,
    send,
    async make(who, method, path, json) {
      const answer = await send(who, method, `/v2.0${path}`, json)
      if (answer.status >= 300)
        throw new Error(`${who} ${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
      return Object.values(answer.body ?? {})[0] as Item
    },
    async refused(status, who, method, path, json, headers) {
      const answer = await send(who, method, `/v2.0${path}`, json, headers)
      if (answer.status !== status)
        throw new Error(
          `${who} ${method} ${path}: ${answer.status} instead of ${status} ${JSON.stringify(answer.body)}`,
        )
      return (answer.body as unknown as { NeutronError: { type: string; message: string; detail: string } })
        .NeutronError
    },
    async hostState(host) {
      const { state } = await rpcClient(bus.forHost(host), neutronContract).pullHost(null, {
        host,
        revision: null,
        parts: followers(),
      })
      return state!
    },
    async close() {
      for (const stop of agents) await stop()
      await service.stop()
      rmSync(stateDir, { recursive: true, force: true })
    },
  }
}
