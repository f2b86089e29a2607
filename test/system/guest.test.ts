/** A real guest through the APIs of a whole cloud: cards that come and go, its console, its own end. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { asUser } from '../../src/host/as-user.ts'
import { eventually, login, type Api } from '../api.ts'
import { collect, createTestCloud, type TestCloud } from '../cloud.ts'
import { makeHost, openCheckout, withGuests } from '../host.ts'

/** Says which cards it has; when the second has come and gone it turns itself off. */
const userData = `#!/bin/sh
say() { echo "$*" > /dev/ttyS0; }
(
  while :; do
    now=$(cd /sys/class/net; echo eth*)
    [ "$now" = "$before" ] || say "cards: $now;"
    [ "$before" = "eth0 eth1" ] && [ "$now" = "eth0" ] && say going down && poweroff
    before=$now
    sleep 1
  done
) &
`

await withGuests(import.meta.filename, defineTests)

interface Server {
  id: string
  status: string
  fault?: object
  'OS-EXT-STS:vm_state': string
  'OS-EXT-STS:power_state': number
}

function defineTests() {
  let cloud: TestCloud
  let demo: Api
  let path = ''
  before(async () => {
    await makeHost()
    cloud = await createTestCloud({ args: [], checkout: await openCheckout() })
    await cloud.up()
    demo = await login(cloud, 'demo')
  })
  after(() => cloud?.destroy())

  const compute = <T>(method: string, where: string, json?: unknown, version = '2.72') =>
    demo.call<T>('compute', method, where, json, { 'OpenStack-API-Version': `compute ${version}` })
  const show = async () => (await compute<{ server: Server }>('GET', path)).body.server
  const console_ = async () =>
    (await compute<{ output: string }>('POST', `${path}/action`, { 'os-getConsoleOutput': {} })).body.output ?? ''
  const pidOf = () =>
    readFileSync(join(cloud.stateDir, 'instances', path.split('/').at(-1)!, 'run', 'pid'), 'utf8').trim()
  const printed = (text: string, seconds = 30) =>
    eventually(`the guest prints '${text}'`, async () => (await console_()).includes(text), seconds)
  const find = async (service: 'image' | 'network', where: string) =>
    Object.values((await demo.call<Record<string, { id: string }[]>>(service, 'GET', where)).body)[0]![0]!.id

  test('D6: a guest is built and runs as a user of its own', async () => {
    const server = {
      name: 'g',
      flavorRef: '42',
      imageRef: await find('image', '/v2/images?name=cirros'),
      networks: [{ uuid: await find('network', '/v2.0/networks?name=private') }],
      user_data: Buffer.from(userData).toString('base64'),
    }
    const created = await compute<{ server: { id: string } }>('POST', '/v2.1/servers', { server })
    assert.equal(created.status, 202, JSON.stringify(created.body))
    path = `/v2.1/servers/${created.body.server.id}`
    await eventually(
      'ACTIVE',
      async () => {
        const now = await show()
        if (now.status === 'ERROR') throw new Error(JSON.stringify(now.fault))
        return now.status === 'ACTIVE'
      },
      90,
    )
    const pid = pidOf()
    const user = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((line) => line.startsWith('nephos-guest:'))
    const uid = user?.split(':')[2]
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`Uid:\t${uid}\t`))
    await printed('cards: eth0;', 120)
  })

  test('P2: the control plane is another user, who sees nothing of guests and agents', async () => {
    const { pids } = JSON.parse((await cloud.nephos('status', '--json')).output) as { pids: Record<string, number> }
    const [, uid, gid] = /^nephos:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))!.map(Number)
    const told = readFileSync(`/proc/${pids['control']}/status`, 'utf8')
    assert.match(told, new RegExp(`^Uid:\t${uid}\t${uid}\t`, 'm'))
    assert.match(told, /^CapEff:\t0+$/m)
    asUser({ uid: uid!, gid: gid! }, () => {
      for (const folder of ['instances', 'compute-agent', 'network-agent'])
        assert.throws(() => readdirSync(join(cloud.stateDir, folder)), /EACCES/, folder)
      assert.throws(() => readFileSync(join(cloud.stateDir, 'log', 'nova-compute.log')), /EACCES/)
    })
  })

  test('D1: its screen is on the console proxy, for the holder of a token only', async () => {
    const answer = await compute<{ remote_console: { url: string } }>('POST', `${path}/remote-consoles`, {
      remote_console: { protocol: 'vnc', type: 'novnc' },
    })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const query = new URLSearchParams(new URL(answer.body.remote_console.url).searchParams.get('path')!.slice(1))
    const address = cloud.url('novncproxy').replace('http', 'ws')
    const socket = new WebSocket(`${address}/?token=${query.get('token')}`)
    const first = await new Promise<Buffer>((resolve, reject) => {
      socket.once('message', (data: Buffer) => resolve(data)).once('error', reject)
    })
    socket.terminate()
    assert.match(first.toString('latin1'), /^RFB 003\.00\d\n$/)
    const refused = new WebSocket(`${address}/?token=${'0'.repeat(43)}`)
    await assert.rejects(new Promise((resolve, reject) => refused.once('open', resolve).once('error', reject)), /403/)
  })

  test('a card is plugged into it and out of it, and then it turns itself off, which is seen', async () => {
    const network = await demo.call<{ network: { id: string } }>('network', 'POST', '/v2.0/networks', {
      network: { name: 'second' },
    })
    const net_id = network.body.network.id
    const subnet = { network_id: net_id, ip_version: 4, cidr: '10.77.0.0/24' }
    assert.equal((await demo.call('network', 'POST', '/v2.0/subnets', { subnet })).status, 201)
    const attached = await compute<{ interfaceAttachment: { port_id: string } }>('POST', `${path}/os-interface`, {
      interfaceAttachment: { net_id },
    })
    assert.equal(attached.status, 200, JSON.stringify(attached.body))
    const port = attached.body.interfaceAttachment.port_id
    const portStatus = async () =>
      (await demo.call<{ port?: { status: string } }>('network', 'GET', `/v2.0/ports/${port}`)).body.port?.status
    await printed('cards: eth0 eth1;')
    await eventually('the port is wired', async () => (await portStatus()) === 'ACTIVE')

    assert.equal((await compute('DELETE', `${path}/os-interface/${port}`)).status, 202)
    await eventually('the port is gone', async () => (await portStatus()) === undefined)
    await printed('going down')
    await eventually('SHUTOFF', async () => (await show()).status === 'SHUTOFF', 20)
    const { 'OS-EXT-STS:vm_state': vmState, 'OS-EXT-STS:power_state': power } = await show()
    assert.deepEqual([vmState, power], ['stopped', 4])
  })

  test('it can be started again, a QEMU that dies is seen, and the end of the server leaves nothing', async () => {
    const start = async () => {
      assert.equal((await compute('POST', `${path}/action`, { 'os-start': null })).status, 202)
      await eventually('ACTIVE', async () => (await show()).status === 'ACTIVE', 60)
    }
    await start()
    process.kill(Number(pidOf()), 'SIGKILL')
    await eventually('the death of QEMU is seen', async () => (await show()).status === 'SHUTOFF', 10)
    await start()
    assert.equal((await compute('DELETE', path)).status, 204)
    await eventually('it is gone', async () => (await compute('GET', path)).status === 404, 60)
    const { output } = await collect(['ip', '-br', 'link'])
    assert.doesNotMatch(output, /^tap[^@\s]+\s/m)
  })
}
