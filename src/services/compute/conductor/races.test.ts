/**
 * H7: every call that a build or a delete makes to another service is in turn the last one of its process, fails, is
 * answered into the void, or meets a delete. Afterwards servers, ports, allocations and guests must agree.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { eventually, FakeAgent, TestCloud, type Tree } from '../testing/cloud.ts'
import { imageId, networkId } from '../testing/fakes.ts'

const text = (value: Tree | undefined) => value as unknown as string
const watchedCalls = {
  placement: ['allocationCandidates', 'claim', 'deleteAllocations'],
  network: ['listNetworks', 'listSubnets', 'listPorts', 'createPort', 'updatePort', 'deletePort', 'listFloatingIps'],
} as const

type Call = () => Promise<unknown>
/** What happens to the call with a number; anything else is just made. */
type Trouble = (call: Call) => Promise<unknown>

class Scene {
  readonly cloud = new TestCloud()
  agent!: FakeAgent
  count = 0
  #at = 0
  #trouble: Trouble | undefined
  readonly #dead: TestCloud['service'][] = []

  static async set(t: TestContext): Promise<Scene> {
    const scene = new Scene()
    await scene.cloud.start()
    t.after(() => scene.end())
    scene.agent = new FakeAgent(scene.cloud.bus, 'h1')
    await scene.agent.heartbeat()
    const flavor = { name: 'm1.tiny', id: '1', ram: 64, vcpus: 1, disk: 1 }
    await scene.cloud.call('admin', 'POST', '/flavors', { flavor })
    for (const [service, names] of Object.entries(watchedCalls)) scene.#watch(service as 'network', names as never)
    return scene
  }

  #watch(service: 'network', names: readonly 'listPorts'[]) {
    const api = this.cloud[service] as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>
    for (const name of names) {
      const original = api[name]!.bind(api)
      api[name] = (...values) => {
        // With a user's token it is the request's own call, which the user sees fail.
        if (values[1] !== undefined && name === ('listNetworks' as string)) return original(...values)
        const call = () => original(...values)
        return ++this.count === this.#at && this.#trouble ? this.#trouble(call) : call()
      }
    }
  }

  get hasHappened(): boolean {
    return this.count >= this.#at
  }

  /** From now on the call with this number gets into trouble. */
  arm(at: number, trouble: Trouble | undefined) {
    this.count = 0
    this.#at = at
    this.#trouble = trouble
  }

  /** The process is gone and another one stands in its place. */
  async die() {
    this.#dead.push(this.cloud.service)
    await this.cloud.start()
  }

  async create(): Promise<string> {
    const networks = [{ uuid: networkId }]
    const server = { name: 's', imageRef: imageId, flavorRef: '1', networks }
    const { status, body } = await this.cloud.call('demo', 'POST', '/servers', { server })
    assert.equal(status, 202, JSON.stringify(body))
    return text(body['server']!['id'])
  }

  remove = (id: string) => this.cloud.call('demo', 'DELETE', `/servers/${id}`)

  statusOf = async (id: string) => {
    const { status, body } = await this.cloud.call('demo', 'GET', `/servers/${id}`)
    return status === 404 ? 'gone' : text(body['server']!['status'])
  }

  settled = (id: string) =>
    eventually(async () => {
      const { status, body } = await this.cloud.call('admin', 'GET', `/servers/${id}`)
      if (status === 404) return 'gone'
      const task = body['server']!['OS-EXT-STS:task_state'] as unknown
      const now = text(body['server']!['status'])
      return task === null && (now === 'ACTIVE' || now === 'ERROR') ? now : undefined
    }, `${id} is settled`)

  /** What there is of a server, besides itself. */
  holdings(): [ports: number, allocations: number, guests: number] {
    const { network, placement } = this.cloud
    return [network.ports.size, placement.allocations.size, this.agent.guests.size]
  }

  async end() {
    this.agent.stop()
    for (const service of this.#dead) void service.stop().catch(() => undefined)
    await this.cloud.stop()
  }
}

const never = new Promise<never>(() => undefined)

/** How many calls a story makes when nothing happens. */
async function lengthOf(t: TestContext, story: 'build' | 'delete'): Promise<number> {
  const scene = await Scene.set(t)
  scene.arm(0, undefined)
  const id = await scene.create()
  assert.equal(await scene.settled(id), 'ACTIVE')
  if (story === 'build') return scene.count
  scene.arm(0, undefined)
  await scene.remove(id)
  await eventually(async () => (await scene.statusOf(id)) === 'gone', 'gone')
  return scene.count
}

async function audit(scene: Scene, id: string, where: string): Promise<void> {
  const state = await scene.settled(id)
  assert.ok(scene.hasHappened, where)
  if (state === 'ACTIVE') {
    assert.deepEqual(scene.holdings(), [1, 1, 1], `${where}: ACTIVE`)
    scene.arm(0, undefined)
    await scene.remove(id)
    await eventually(async () => (await scene.statusOf(id)) === 'gone', `${where}: deleted afterwards`)
  } else if (state === 'ERROR') {
    await eventually(async () => scene.holdings().every((each) => each === 0), `${where}: nothing is left of an ERROR`)
    await scene.remove(id)
    await eventually(async () => (await scene.statusOf(id)) === 'gone', `${where}: deleted afterwards`)
  }
  await eventually(async () => scene.holdings().every((each) => each === 0), `${where}: nothing is left`)
}

test('H7, P20: a build that is cut, fails or loses an answer at any call leaves nothing that does not belong to a server', async (t) => {
  const length = await lengthOf(t, 'build')
  assert.ok(length >= 4, `${length} calls`)
  for (let at = 1; at <= length; at++) {
    const troubles: Record<string, (scene: Scene) => Trouble> = {
      'cut before': (scene) => () => (void scene.die(), never),
      'cut behind': (scene) => async (call) => (await call(), void scene.die(), never),
      fails: () => () => Promise.reject(new Error('the other service is broken')),
      'answer lost': () => async (call) => (await call(), Promise.reject(new Error('no answer'))),
    }
    for (const [name, trouble] of Object.entries(troubles)) {
      const scene = await Scene.set(t)
      scene.arm(at, trouble(scene))
      await audit(scene, await scene.create(), `call ${at} of ${length} ${name}`)
    }
  }
})

test('H7, D9: a delete wins over a build at any call', async (t) => {
  const length = await lengthOf(t, 'build')
  for (let at = 1; at <= length; at++) {
    const scene = await Scene.set(t)
    let known!: (id: string) => void
    const made = new Promise<string>((resolve) => (known = resolve))
    let status = 0
    scene.arm(at, async (call) => {
      const id = await made
      ;({ status } = await scene.remove(id))
      return call()
    })
    const id = await scene.create()
    known(id)
    await eventually(async () => (await scene.statusOf(id)) === 'gone', `gone after call ${at}`)
    assert.equal(status, 204)
    await eventually(async () => scene.holdings().every((each) => each === 0), `nothing is left after call ${at}`)
  }
})

test('H7, D9: a delete that is cut at any call is finished by the next process', async (t) => {
  const length = await lengthOf(t, 'delete')
  for (let at = 1; at <= length; at++) {
    for (const isDone of [false, true]) {
      const scene = await Scene.set(t)
      scene.arm(0, undefined)
      const id = await scene.create()
      await scene.settled(id)
      scene.arm(at, async (call) => {
        if (isDone) await call()
        void scene.die()
        return never
      })
      await scene.remove(id)
      await eventually(async () => (await scene.statusOf(id)) === 'gone', `gone, cut at call ${at}`)
      await eventually(async () => scene.holdings().every((each) => each === 0), `nothing is left, cut at call ${at}`)
    }
  }
})
