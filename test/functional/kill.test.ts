import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, login, type Api } from '../api.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'

let cloud: TestCloud
let demo: Api
let admin: Api

before(async () => {
  cloud = await createTestCloud({ args: ['--fake'] })
  await cloud.up()
  demo = await login(cloud, 'demo')
  admin = await login(cloud, 'admin')
})
after(() => cloud?.destroy())

const rounds = 10

test('H7: kill -9 of the control process at any moment: every server ends ACTIVE, ERROR or gone, and nothing is left over', async () => {
  const image = (await demo.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')).body
    .images[0]!.id
  const network = (await demo.call<{ networks: { id: string }[] }>('network', 'GET', '/v2.0/networks?name=private'))
    .body.networks[0]!.id
  for (let round = 0; round < rounds; round++) {
    const server = {
      name: `r${round}`,
      flavorRef: '42',
      imageRef: image,
      networks: [{ uuid: network }],
      max_count: 3,
      min_count: 3,
    }
    const created = demo
      .call<{ server: { id: string } }>('compute', 'POST', '/v2.1/servers', { server })
      .catch(() => undefined)
    const others = (await servers()).map((each, index) => act(each.id, (index + round) % actions.length, network))
    await new Promise((resolve) => setTimeout(resolve, 5 + round * 20))
    await cloud.killAndRecover('control')
    await Promise.all([created, ...others])
    await eventually(
      'every server is settled',
      async () => (await servers()).every((each) => each.status !== 'BUILD' && each.task === null),
      60,
    )
    for (const { status } of await servers()) assert.match(status, /^(ACTIVE|ERROR|SHUTOFF|PAUSED)$/)
  }
  const left = await servers()
  await Promise.all(left.map((each) => demo.call('compute', 'DELETE', `/v2.1/servers/${each.id}`)))
  await eventually('all are gone', async () => (await servers()).length === 0, 60)
  const ports = await admin.call<{ ports: { device_owner: string }[] }>('network', 'GET', '/v2.0/ports')
  assert.deepEqual(
    ports.body.ports.filter((port) => port.device_owner.startsWith('compute:')),
    [],
  )
  const providers = await admin.call<{ resource_providers: { uuid: string }[] }>(
    'placement',
    'GET',
    '/resource_providers',
  )
  for (const { uuid } of providers.body.resource_providers) {
    const usage = await admin.call<{ usages: Record<string, number> }>(
      'placement',
      'GET',
      `/resource_providers/${uuid}/usages`,
    )
    assert.deepEqual(
      Object.values(usage.body.usages).filter((used) => used !== 0),
      [],
    )
  }
})

const actions = ['delete', 'os-stop', 'os-start', 'pause', 'unpause', 'reboot', 'attach', 'detach'] as const

/** Does something to a server; refused or cut, it is all the same here. */
async function act(id: string, which: number, net_id: string): Promise<void> {
  const path = `/v2.1/servers/${id}`
  const action = actions[which]!
  const call = async <T>(method: string, where: string, json?: unknown) =>
    demo.call<T>('compute', method, path + where, json).catch(() => undefined)
  if (action === 'delete') await call('DELETE', '')
  else if (action === 'attach') await call('POST', '/os-interface', { interfaceAttachment: { net_id } })
  else if (action === 'detach') {
    const found = await call<{ interfaceAttachments?: { port_id: string }[] }>('GET', '/os-interface')
    const port = found?.body.interfaceAttachments?.at(-1)
    if (port) await call('DELETE', `/os-interface/${port.port_id}`)
  } else await call('POST', '/action', { [action]: action === 'reboot' ? { type: 'HARD' } : null })
}

interface Shown {
  id: string
  status: string
  task: string | null
}

async function servers(): Promise<Shown[]> {
  type Listed = Omit<Shown, 'task'> & { 'OS-EXT-STS:task_state': string | null }
  const answer = await demo
    .call<{ servers?: Listed[] }>('compute', 'GET', '/v2.1/servers/detail')
    .catch(() => undefined)
  return answer?.body.servers?.map((each) => ({ ...each, task: each['OS-EXT-STS:task_state'] })) ?? [unknown]
}
const unknown: Shown = { id: '', status: 'BUILD', task: null }
