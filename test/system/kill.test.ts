/** Real guests on QEMU: they outlive both processes of the cloud, are managed again, and nothing of them is left. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually } from '../api.ts'
import { collect, createTestCloud, type TestCloud } from '../cloud.ts'

const netns = `nph-kill-${process.pid}`
const why =
  process.getuid?.() !== 0 ? 'needs root' : existsSync('/usr/bin/qemu-system-x86_64') ? '' : 'needs qemu-system-x86'
const inside = ['nsenter', `--net=/run/netns/${netns}`]
let cloud: TestCloud

before(async () => {
  if (why) return
  await collect(['ip', 'netns', 'add', netns])
  await collect(['ip', '-n', netns, 'link', 'set', 'lo', 'up'])
  cloud = await createTestCloud({ args: [], netns })
  await cloud.up()
})
after(async () => {
  await cloud?.destroy()
  await collect(['ip', 'netns', 'del', netns])
})

/** A request from inside the cloud's namespace, as curl makes it; body and status. */
async function call<T>(
  token: string,
  service: 'identity' | 'compute' | 'network' | 'image',
  method: string,
  path: string,
  json?: unknown,
) {
  const argv = [...inside, 'curl', '-s', '-i', '--max-time', '20', '-X', method, '-H', `X-Auth-Token: ${token}`]
  if (json !== undefined) argv.push('-H', 'Content-Type: application/json', '-d', JSON.stringify(json))
  const { output } = await collect([...argv, cloud.url(service) + path])
  const [head = '', ...body] = output.split('\r\n\r\n')
  const text = body.join('')
  const headers = Object.fromEntries(
    [...head.matchAll(/^([\w-]+): (.*?)\r?$/gm)].map((match) => [match[1]!.toLowerCase(), match[2]!]),
  )
  return {
    status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1] ?? 0),
    headers,
    body: (text.startsWith('{') ? JSON.parse(text) : {}) as T,
  }
}

async function token(): Promise<string> {
  const env = cloud.environment('demo')
  const domain = { name: 'Default' }
  const auth = {
    identity: { methods: ['password'], password: { user: { name: 'demo', domain, password: env['OS_PASSWORD'] } } },
    scope: { project: { name: 'demo', domain } },
  }
  return eventually(
    'a token',
    async () => (await call('', 'identity', 'POST', '/v3/auth/tokens', { auth })).headers['x-subject-token'],
    60,
  )
}

const qemuPid = async (id: string) =>
  (await collect(['cat', join(cloud.stateDir, 'instances', id, 'run', 'pid')])).output.trim()

test(
  'a guest outlives kill -9 of control and agent, is managed again, and its deletion leaves nothing',
  { skip: why || false, timeout: 300_000 },
  async () => {
    const mine = await token()
    const image = (await call<{ images: { id: string }[] }>(mine, 'image', 'GET', '/v2/images?name=cirros')).body
      .images[0]!.id
    const network = (await call<{ networks: { id: string }[] }>(mine, 'network', 'GET', '/v2.0/networks?name=private'))
      .body.networks[0]!.id
    const create = () =>
      call<{ server: { id: string } }>(mine, 'compute', 'POST', '/v2.1/servers', {
        server: { name: 'k', flavorRef: '42', imageRef: image, networks: [{ uuid: network }] },
      })
    const status = async (id: string) =>
      (await call<{ server?: { status: string } }>(mine, 'compute', 'GET', `/v2.1/servers/${id}`)).body.server?.status
    const settled = (id: string) =>
      eventually(
        `${id} is settled`,
        async () => {
          const now = await status(id)
          return now === 'ACTIVE' || now === 'ERROR' ? now : undefined
        },
        90,
      )

    // A build that loses the agent in its middle, then one that loses the control process.
    const ids: string[] = []
    for (const victim of ['agent', 'control']) {
      const { id } = (await create()).body.server
      ids.push(id)
      await cloud.killAndRecover(victim)
      assert.equal(await settled(id), 'ACTIVE')
    }
    const [first = '', second = ''] = ids
    const before = await qemuPid(first)
    assert.match(before, /^\d+$/)
    await cloud.killAndRecover('control', 'agent')
    assert.equal(await qemuPid(first), before, 'the same QEMU runs on')
    assert.equal(await status(first), 'ACTIVE')

    // A guest whose QEMU dies is seen within seconds.
    process.kill(Number(await qemuPid(second)), 'SIGKILL')
    await eventually('its death is seen', async () => (await status(second)) === 'SHUTOFF', 15)

    for (const id of ids) assert.equal((await call(mine, 'compute', 'DELETE', `/v2.1/servers/${id}`)).status, 204)
    for (const id of ids) await eventually('it is gone', async () => (await status(id)) === undefined, 60)
    await eventually(
      'no disk is left',
      async () => !readdirSync(join(cloud.stateDir, 'instances')).some((name) => ids.includes(name)),
      20,
    )
    const ports = await call<{ ports: { device_owner: string }[] }>(mine, 'network', 'GET', '/v2.0/ports')
    assert.deepEqual(
      ports.body.ports.filter((port) => port.device_owner.startsWith('compute:')),
      [],
    )
  },
)

test('down leaves no device and no namespace', { skip: why || false, timeout: 120_000 }, async () => {
  assert.equal((await cloud.nephos('down')).code, 0)
  const { output } = await collect([...inside, 'ip', '-br', 'link'])
  assert.deepEqual(
    output
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)[0]),
    ['lo'],
  )
})
