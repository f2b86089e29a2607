/**
 * Two processes of a control plane on one database, one of which is killed again and again in the middle of its work: the
 * other and the next bring it to its end. Nothing is stuck, twice or lost.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '../../src/base/wait.ts'
import {
  FakeNetwork,
  FakePlacement,
  FakeSecurityGroups,
  imageId,
  networkId,
} from '../../src/services/compute/testing/fakes.ts'
import { agentHosts, type Answer, type FarCall, type Request } from './control-process.ts'

const rounds = 6
const patience = 60_000

class Control {
  readonly #args: string[]
  #child!: ChildProcess
  #url = ''

  constructor(...args: string[]) {
    this.#args = args
  }

  async start(): Promise<this> {
    const program = join(import.meta.dirname, 'control-process.ts')
    const command = ['--disable-warning=ExperimentalWarning', program, ...this.#args]
    this.#child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(this.#child.stdout!, 'data')) as [Buffer]
    this.#url = `http://127.0.0.1:${line.toString().trim()}`
    return this
  }

  async kill() {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  /** Undefined when the process ended before it answered: what became of it is not known. */
  async ask(who: string, method: string, path: string, json?: unknown): Promise<Answer | undefined> {
    const request = { who, method, path, json } satisfies Request
    try {
      return (await (await fetch(this.#url, { method: 'POST', body: JSON.stringify(request) })).json()) as Answer
    } catch {
      return undefined
    }
  }
}

/** Two processes in a folder; `around` is further arguments. */
async function pair(t: TestContext, service: string, around: string[] = []): Promise<[Control, Control]> {
  const folder = mkdtempSync(join(tmpdir(), `nephos-crash-${service}-`))
  const both = [new Control(service, folder, 'c1', ...around), new Control(service, folder, 'c2', ...around)] as const
  t.after(async () => {
    for (const each of both) await each.kill()
    rmSync(folder, { recursive: true })
  })
  await both[0].start()
  await both[1].start()
  return [...both]
}

/** `work` goes on while one after the other is killed at any moment and started again. */
async function withKills(both: readonly Control[], work: (control: Control, round: number) => Promise<unknown>) {
  for (let round = 0; round < rounds; round++) {
    const working = Promise.all(both.map((each) => work(each, round)))
    await sleep(Math.random() * 60)
    const victim = both[round % 2]!
    await victim.kill()
    await working
    await victim.start()
  }
}

/** The services around nova, for all of its processes. */
async function surroundings(t: TestContext) {
  const network = new FakeNetwork()
  const objects = { placement: new FakePlacement(), network, securityGroups: new FakeSecurityGroups(network) }
  const server = createServer((request, response) => {
    void text(request)
      .then(async (body) => {
        const { object, method, args } = JSON.parse(body) as FarCall
        const target = objects[object as keyof typeof objects] as unknown as Record<
          string,
          (...a: unknown[]) => unknown
        >
        return { value: await target[method]!(...args) }
      })
      .catch((error: unknown) => ({ error: String(error) }))
      .then((answer) => response.end(JSON.stringify(answer)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { ...objects, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('nova: builds and deletes of a killed process are brought to their end', async (t) => {
  const { placement, network, url } = await surroundings(t)
  const both = await pair(t, 'compute', [url])
  const flavor = { name: 'm1.tiny', id: '1', ram: 64, vcpus: 1, disk: 1 }
  assert.equal((await both[0].ask('admin', 'POST', '/flavors', { flavor }))?.status, 200)
  const wanted = { name: 's', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }] }
  type Server = { id: string; status: string }
  const list = async () => ((await both[1].ask('demo', 'GET', '/servers/detail'))?.body['servers'] ?? []) as Server[]
  await withKills(both, async (control, round) => {
    const made = await Promise.all([1, 2].map(() => control.ask('demo', 'POST', '/servers', { server: wanted })))
    const first = (made[0]?.body['server'] as Server | undefined)?.id
    if (first !== undefined && round % 2 === 1) await control.ask('demo', 'DELETE', `/servers/${first}`)
  })
  const isSettled = async () => {
    const servers = await list()
    const isExact = placement.allocations.size === servers.length && network.ports.size === servers.length
    return isExact && servers.every(({ status }) => status === 'ACTIVE')
  }
  await waitFor(isSettled, { what: 'all are ACTIVE, with exact allocations and ports', timeoutMs: patience })
  assert.ok((await list()).length >= rounds)
})

test('neutron: ports of a killed process are whole or not there, and hosts follow all of them', async (t) => {
  const both = await pair(t, 'network')
  const user = 'member@one'
  const [first, second] = both
  const network = (await first.ask(user, 'POST', '/v2.0/networks', { network: {} }))!.body['network'] as { id: string }
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' }
  assert.equal((await second.ask(user, 'POST', '/v2.0/subnets', { subnet }))?.status, 201)
  const owned = { network_id: network.id, project_id: 'one', device_owner: 'compute:nova', device_id: 'server' }
  let made = 0
  await withKills(both, async (control) => {
    for (let index = 0; index < 5; index++) {
      const port = { ...owned, 'binding:host_id': agentHosts[made++ % agentHosts.length] }
      const answer = await control.ask('admin@ops', 'POST', '/v2.0/ports', { port })
      const { id } = (answer?.body['port'] ?? {}) as { id?: string }
      if (id !== undefined && index % 2 === 0) await control.ask(user, 'DELETE', `/v2.0/ports/${id}`)
    }
  })
  type Port = { id: string; status: string; fixed_ips: { ip_address: string }[] }
  const ports = async () => (await second.ask('admin@ops', 'GET', '/v2.0/ports'))!.body['ports'] as Port[]
  const isWired = async () => (await ports()).every(({ status }) => status === 'ACTIVE')
  await waitFor(isWired, { what: 'every port is ACTIVE', timeoutMs: patience })
  const addresses = (await ports()).map((port) => port.fixed_ips.map((each) => each.ip_address).join())
  assert.ok(addresses.length > rounds, `${addresses.length} ports`)
  assert.equal(new Set(addresses).size, addresses.length)
  assert.ok(addresses.every((address) => address.startsWith('10.0.0.')))
})
