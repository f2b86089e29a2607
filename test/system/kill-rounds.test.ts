/** kill -9 of the agent, the control process or both in the middle of anything, with real guests: nothing hangs or is left. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, login, type Api } from '../api.ts'
import { collect, createTestCloud, type TestCloud } from '../cloud.ts'
import { makeHost, withGuests } from '../host.ts'

await withGuests(import.meta.filename, defineTests)

const rounds: readonly (readonly string[])[] = [
  ['agent'],
  ['control'],
  ['control', 'agent'],
  ['agent'],
  ['control'],
  ['agent', 'control'],
]
const atMost = 3
const actions = [{ 'os-stop': null }, { reboot: { type: 'HARD' } }, { 'os-start': null }, { pause: null }, 'delete']

interface Server {
  id: string
  status: string
  'OS-EXT-STS:task_state': string | null
}

function defineTests() {
  let cloud: TestCloud
  let admin: Api
  before(async () => {
    await makeHost()
    cloud = await createTestCloud({ args: [] })
    await cloud.up()
    admin = await login(cloud, 'admin')
  })
  after(() => cloud?.destroy())

  const find = async (service: 'image' | 'network', where: string) =>
    Object.values((await admin.call<Record<string, { id: string }[]>>(service, 'GET', where)).body)[0]![0]!.id
  /** Undefined while nobody answers. */
  const servers = async () => {
    const answer = await admin
      .call<{ servers?: Server[] }>('compute', 'GET', '/v2.1/servers/detail')
      .catch(() => undefined)
    return answer?.body.servers
  }
  const act = async ({ id }: Server, which: number) => {
    const action = actions[which % actions.length]!
    const path = `/v2.1/servers/${id}`
    const done =
      action === 'delete'
        ? admin.call('compute', 'DELETE', path)
        : admin.call('compute', 'POST', `${path}/action`, action)
    // Cut off or refused, it is all the same here.
    await done.catch(() => undefined)
  }

  test('every server settles after each round, and deleted servers leave nothing', async () => {
    const imageRef = await find('image', '/v2/images?name=cirros')
    const networks = [{ uuid: await find('network', '/v2.0/networks?name=private') }]
    const server = { name: 'k', flavorRef: '42', imageRef, networks }
    for (const [round, victims] of rounds.entries()) {
      const before = (await servers())!
      const work = before.map((each, index) => act(each, round + index))
      if (before.length < atMost)
        work.push(
          admin.call('compute', 'POST', '/v2.1/servers', { server }).then(
            () => undefined,
            () => undefined,
          ),
        )
      await sleep(Math.random() * 2500)
      await cloud.killAndRecover(...victims)
      await Promise.all(work)
      const isSettled = async () =>
        (await servers())?.every((each) => each.status !== 'BUILD' && each['OS-EXT-STS:task_state'] === null)
      await eventually(`round ${round} without ${victims.join(' and ')} settles`, isSettled, 90)
    }
    for (const { id } of (await servers())!) await admin.call('compute', 'DELETE', `/v2.1/servers/${id}`)
    await eventually('all are gone', async () => (await servers())?.length === 0, 90)

    const guests = () => readdirSync(join(cloud.stateDir, 'instances')).filter((name) => name !== '_base')
    await eventually('no folder of a guest is left', async () => guests().length === 0, 20)
    const { output: links } = await collect(['ip', '-br', 'link'])
    assert.doesNotMatch(links, /^tap[^@\s]+\s/m)
    const { output: processes } = await collect(['pgrep', '-f', `qemu-system.*${cloud.stateDir}`])
    assert.equal(processes.trim(), '')
    type Ports = { ports: { device_owner: string }[] }
    const { ports } = (await admin.call<Ports>('network', 'GET', '/v2.0/ports')).body
    assert.deepEqual(
      ports.filter((port) => port.device_owner.startsWith('compute:')),
      [],
    )
    type Providers = { resource_providers: { uuid: string }[] }
    const providers = await admin.call<Providers>('placement', 'GET', '/resource_providers')
    for (const { uuid } of providers.body.resource_providers) {
      const path = `/resource_providers/${uuid}/usages`
      const { usages } = (await admin.call<{ usages: Record<string, number> }>('placement', 'GET', path)).body
      assert.deepEqual(
        Object.values(usages).filter((used) => used !== 0),
        [],
      )
    }
  })
}
