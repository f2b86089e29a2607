/** Several processes of nova's control plane on one database: requests go to any of them, and any may end. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ComputeService } from './roles.ts'
import { eventually, FakeAgent, TestCloud, type Tree } from './testing/cloud.ts'
import { imageId, networkId } from './testing/fakes.ts'

const text = (value: Tree | undefined) => value as unknown as string

/** A cloud whose control plane is three processes. */
class Fleet {
  readonly cloud = new TestCloud()
  readonly processes = new Map<string, ComputeService>()
  readonly #inFlight = new Map<ComputeService, Set<Promise<unknown>>>()
  #turn = 0

  static async set(t: TestContext): Promise<Fleet> {
    const fleet = new Fleet()
    writeFileSync(join(fleet.cloud.folder, 'nova.conf'), '[quota]\ninstances = -1\ncores = -1\nram = -1\n')
    for (const host of ['c1', 'c2', 'c3']) await fleet.boot(host)
    t.after(() => fleet.end())
    for (const name of ['h1', 'h2', 'h3']) await new FakeAgent(fleet.cloud.bus, name).heartbeat()
    const flavor = { name: 'm1.tiny', id: '1', ram: 64, vcpus: 1, disk: 1 }
    await fleet.call('POST', '/flavors', { flavor }, 'admin')
    return fleet
  }

  async boot(host: string): Promise<void> {
    const service = await this.cloud.startAnother(host)
    this.processes.set(host, service)
    this.#inFlight.set(service, new Set())
  }

  /** As by a rolling restart: requests are answered, what goes on behind them is left to the others. */
  async shutDown(host: string): Promise<void> {
    const service = this.processes.get(host)!
    this.processes.delete(host)
    await Promise.allSettled(this.#inFlight.get(service)!)
    await service.stop()
  }

  /** Each request goes to the next process. */
  async call(method: string, path: string, json?: unknown, token = 'demo') {
    const all = [...this.processes.values()]
    const service = all[this.#turn++ % all.length]!
    const inFlight = this.#inFlight.get(service)!
    const answer = this.cloud.call(token, method, path, json, '2.96', service)
    inFlight.add(answer)
    return answer.finally(() => inFlight.delete(answer))
  }

  async create(count = 1): Promise<string> {
    const server = {
      name: 's',
      imageRef: imageId,
      flavorRef: '1',
      networks: [{ uuid: networkId }],
      min_count: count,
      max_count: count,
    }
    const { status, body } = await this.call('POST', '/servers', { server })
    assert.equal(status, 202, JSON.stringify(body))
    return text(body['server']!['id'])
  }

  async list(): Promise<Tree[]> {
    const { body } = await this.call('GET', '/servers/detail')
    return body['servers'] as unknown as Tree[]
  }

  async end(): Promise<void> {
    const [last, ...others] = this.processes.values()
    for (const each of others) await each.stop()
    this.cloud.service = last!
    await this.cloud.stop()
  }
}

test('servers are built, used and deleted through all of them, and allocations and ports are exact', async (t) => {
  const fleet = await Fleet.set(t)
  const ids = await Promise.all(Array.from({ length: 9 }, () => fleet.create()))
  await eventually(
    async () => (await fleet.list()).every((server) => text(server['status']) === 'ACTIVE'),
    'all ACTIVE',
  )
  assert.equal((await fleet.list()).length, 9)
  assert.equal(fleet.cloud.placement.allocations.size, 9)
  await Promise.all(ids.slice(0, 5).map((id) => fleet.call('DELETE', `/servers/${id}`)))
  await eventually(async () => (await fleet.list()).length === 4, 'five are gone')
  assert.equal(fleet.cloud.placement.allocations.size, 4)
  assert.equal(fleet.cloud.network.ports.size, 4)
})

test('processes that end and come back during builds and deletes leave nothing stuck and nothing twice', async (t) => {
  const fleet = await Fleet.set(t)
  const made: string[] = []
  const load = (async () => {
    for (let round = 0; round < 8; round++) {
      made.push(...(await Promise.all([fleet.create(), fleet.create(), fleet.create()])))
      if (round % 2 === 1) await fleet.call('DELETE', `/servers/${made[round]}`)
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
  })()
  for (const host of ['c1', 'c2', 'c3', 'c1', 'c3']) {
    await fleet.shutDown(host)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await fleet.boot(host)
  }
  await load
  const settled = async () => {
    const servers = await fleet.list()
    return servers.length === made.length - 4 && servers.every((server) => text(server['status']) === 'ACTIVE')
  }
  await eventually(settled, 'all that were not deleted are ACTIVE')
  await eventually(async () => fleet.cloud.placement.allocations.size === made.length - 4, 'allocations are exact')
  await eventually(async () => fleet.cloud.network.ports.size === made.length - 4, 'ports are exact')
})

test('a delete that one process takes ends a build of another', async (t) => {
  const fleet = await Fleet.set(t)
  const id = await fleet.create()
  const { status } = await fleet.call('DELETE', `/servers/${id}`)
  assert.equal(status, 204)
  await eventually(async () => (await fleet.list()).length === 0, 'it is gone')
  await eventually(async () => fleet.cloud.placement.allocations.size === 0, 'nothing is allocated')
  assert.equal(fleet.cloud.network.ports.size, 0)
})
