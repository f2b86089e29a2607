/**
 * Accidents of operators, with real guests: an older database, a copied state directory, another host name, two agents
 * of one name, an empty database. No guest, disk, tap or namespace goes that is not proven to be deleted.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, login, type Api } from '../api.ts'
import { collect, createTestCloud, type TestCloud } from '../cloud.ts'
import { makeHost, withGuests } from '../host.ts'

await withGuests(import.meta.filename, defineTests)

function defineTests() {
  let cloud: TestCloud
  let demo: Api
  let image = ''
  let network = ''
  /** Guests of the whole file: of before the backup, and of after it. */
  let old = ''
  let late = ''
  let lateNetwork = ''

  before(async () => {
    await makeHost()
    cloud = await createTestCloud({ args: [] })
    await cloud.up()
    demo = await login(cloud, 'demo')
    const found = <T>(service: 'image' | 'network', path: string) =>
      demo.call<Record<string, T[]>>(service, 'GET', path)
    image = (await found<{ id: string }>('image', '/v2/images?name=cirros')).body['images']![0]!.id
    network = (await found<{ id: string }>('network', '/v2.0/networks?name=private')).body['networks']![0]!.id
  })
  after(() => cloud?.destroy())

  interface Shown {
    status: string
    fault?: { message: string }
    'OS-EXT-STS:task_state': string | null
    'OS-EXT-SRV-ATTR:host': string
  }
  const show = async (id: string) =>
    (await demo.call<{ server?: Shown }>('compute', 'GET', `/v2.1/servers/${id}`)).body.server
  const settled = (id: string, status: string | undefined) =>
    eventually(
      `${id} is ${status}`,
      async () => {
        const now = await show(id)
        return now?.status === status && (now?.['OS-EXT-STS:task_state'] ?? null) === null
      },
      60,
    )
  async function create(networkId = network): Promise<string> {
    const server = { name: 'g', flavorRef: '42', imageRef: image, networks: [{ uuid: networkId }] }
    const { status, body } = await demo.call<{ server: { id: string } }>('compute', 'POST', '/v2.1/servers', { server })
    assert.equal(status, 202, JSON.stringify(body))
    await settled(body.server.id, 'ACTIVE')
    return body.server.id
  }
  async function remove(id: string) {
    await demo.call('compute', 'DELETE', `/v2.1/servers/${id}`)
    await settled(id, undefined)
  }
  async function createNetwork(): Promise<string> {
    const made = await demo.call<{ network: { id: string } }>('network', 'POST', '/v2.0/networks', { network: {} })
    const { id } = made.body.network
    const subnet = { network_id: id, ip_version: 4, cidr: '10.77.0.0/24' }
    assert.equal((await demo.call('network', 'POST', '/v2.0/subnets', { subnet })).status, 201)
    return id
  }

  const instances = (...path: string[]) => join(cloud.stateDir, 'instances', ...path)
  /** What a guest is made of on its host: its process, disk and taps. */
  function partsOf(id: string) {
    const pid = Number(readFileSync(instances(id, 'run', 'pid'), 'utf8'))
    const taps = JSON.parse(readFileSync(instances(id, 'taps.json'), 'utf8')) as string[]
    return { pid, isAlive: existsSync(`/proc/${pid}/exe`), hasDisk: existsSync(instances(id, 'disk.qcow2')), taps }
  }
  const bridgeOf = async (tap: string) =>
    /master (\S+)/.exec((await collect(['ip', 'link', 'show', 'dev', tap])).output)?.[1]
  /** Runs `work` and checks that these guests are what they were before. */
  async function unharmed(ids: readonly string[], work: () => Promise<void>) {
    const before = ids.map(partsOf)
    for (const { isAlive, hasDisk } of before) assert.ok(isAlive && hasDisk)
    await work()
    assert.deepEqual(ids.map(partsOf), before)
  }
  const namespaces = () => readdirSync('/run/netns')
  /** Asked again and again: not so often that the question keeps the cloud from its work. */
  const status = async () => {
    await new Promise((resolve) => setTimeout(resolve, 300))
    return (await cloud.nephos('status')).output
  }
  async function statusSays(line: RegExp) {
    let last = ''
    const isSaid = async () => line.test((last = await status()))
    await eventually('', isSaid, 40).catch(() => assert.match(last, line))
  }
  /** Starts the cloud and is told why not everything works. */
  async function upFails(as: string, line: RegExp) {
    const { code, output } = await cloud.nephosAs(as, ...cloud.upArguments)
    assert.equal(code, 1)
    assert.match(output, line)
  }
  const databaseOf = (type: string) => join(cloud.stateDir, type, `${type}.db`)
  function moveDatabase(type: string, from: string, to: string) {
    mkdirSync(to, { recursive: true })
    for (const end of ['', '-wal', '-shm'])
      if (existsSync(join(from, `${type}.db${end}`)))
        renameSync(join(from, `${type}.db${end}`), join(to, `${type}.db${end}`))
  }

  test('P21: older databases: what was made since runs on and is told, what was deleted since is no empty server', async () => {
    const [early, later] = [join(cloud.stateDir, '../early'), join(cloud.stateDir, '../later')].map(
      (each) => `${each}-${process.pid}`,
    )
    const [kept, deleted] = await Promise.all([create(), create()])
    old = kept
    assert.equal((await cloud.nephos('backup', early!)).code, 0)
    lateNetwork = await createNetwork()
    late = await create(lateNetwork)
    await remove(deleted)
    assert.equal((await cloud.nephos('backup', later!)).code, 0)
    const dhcp = `qdhcp-${lateNetwork}`
    const [tap = ''] = partsOf(late).taps
    const bridge = await bridgeOf(tap)
    assert.ok(bridge && namespaces().includes(dhcp))

    await unharmed([old, late], async () => {
      assert.match((await cloud.nephos('restore', early!)).output, /the cloud in .* runs: stop it first/)
      await cloud.stop()
      assert.equal((await cloud.nephos('restore', early!)).code, 0)
      await cloud.up()
      await statusSays(new RegExp(`nova-compute +up .*unknown guest, kept: ${late} \\(no server of this database\\)`))
      await statusSays(/linuxbridge-agent +up .*older copy of it: what it does not name is kept \(1 network, \d ports/)
      assert.match(
        (await cloud.nephos('guests')).output,
        new RegExp(`${late} on .*'g' of project .*, running.*\n.*disk.qcow2`),
      )
      assert.match((await cloud.nephos('guests', 'adopt', late)).output, /restore one that has it, or remove the guest/)
      assert.match((await cloud.nephos('host')).output, /keeps networks and ports/)
      await eventually('the lost server says so', async () => (await show(deleted))?.status === 'ERROR', 40)
      assert.equal((await show(deleted))?.fault?.message, 'The disk of the server is not on its host.')
      assert.deepEqual([await bridgeOf(tap), namespaces().includes(dhcp)], [bridge, true])
      await remove(deleted)

      // The database that knows it again.
      await cloud.stop()
      assert.equal((await cloud.nephos('restore', later!)).code, 0)
      await cloud.up()
      await settled(late, 'ACTIVE')
      await eventually('nothing is in doubt', async () => {
        const { output } = await cloud.nephos('guests')
        return (
          /Every guest is that of a server/.test(output) && /No host waits/.test((await cloud.nephos('host')).output)
        )
      })
    })
    for (const each of [early!, later!]) rmSync(each, { recursive: true })
  })

  test('two agents with one name: the second one touches nothing', async () => {
    await unharmed([old, late], async () => {
      const main = join(import.meta.dirname, '../../src/cmd/agent.ts')
      const second = spawn(process.execPath, [main, cloud.stateDir], { stdio: 'ignore' })
      const ended = new Promise((resolve) => second.once('exit', resolve))
      try {
        await eventually('it is held', async () => /two agents with one name/.test((await cloud.nephos('host')).output))
      } finally {
        second.kill('SIGTERM')
        await ended
      }
      assert.equal((await cloud.nephos('status')).code, 0)
    })
  })

  test('another host name, and a placement of another moment: held, then taken over, and all in order again', async () => {
    const aside = join(cloud.stateDir, 'placement-before')
    await unharmed([old, late], async () => {
      await cloud.stop()
      moveDatabase('placement', join(cloud.stateDir, 'placement'), aside)
      await upFails('other', /possible rename: this host was .* and is 'other' now; its 2 guests/)
      assert.match(await status(), /nova-compute +down .*held: possible rename.*nephos host accept other/)
      assert.match((await cloud.nephos('host', 'accept', hostname())).output, /waits for nothing/)
      assert.match(
        (await cloud.nephos('host', 'accept', 'other')).output,
        new RegExp(`Everything of ${hostname()} is other's`),
      )
      await eventually('every role is up', async () => (await cloud.nephos('status')).code === 0, 40)
      await statusSays(/nova-conductor +up .*reconciled: 2 allocations made again/)
      const admin = await login(cloud, 'admin')
      const path = `/v2.1/servers/${late}`
      const { server } = (await admin.call<{ server: Shown }>('compute', 'GET', path)).body
      assert.deepEqual([server.status, server['OS-EXT-SRV-ATTR:host']], ['ACTIVE', 'other'])
      assert.ok(namespaces().includes(`qdhcp-${lateNetwork}`))
    })
    rmSync(aside, { recursive: true })
  })

  test('a copy of the state directory beside the one that is in use neither starts nor ends anything', async () => {
    const copy = `${cloud.stateDir}-copy`
    await unharmed([old, late], async () => {
      await cloud.stop()
      cpSync(cloud.stateDir, copy, { recursive: true, filter: (path) => !/\/(run|log)$/.test(path) })
      const there = { ...cloud, args: ['--state-dir', copy] }
      const run = (...args: string[]) =>
        collect([join(import.meta.dirname, '../../bin/nephos'), ...args, ...there.args])
      assert.match((await run('down')).output, /is a copy of .*, whose guests and devices/)
      const { code, output } = await run(...cloud.upArguments)
      assert.equal(code, 1)
      assert.match(output, /nova-compute: held: this state directory is a copy of/)
      const { pid } = JSON.parse((await run('status', '--json')).output) as { pid: number }
      process.kill(pid, 'SIGTERM')
      await eventually('the copy has stopped', async () => !existsSync(`/proc/${pid}/exe`))
    })
    rmSync(copy, { recursive: true })
  })

  test('empty databases: held, then accepted; guests and networks stay until they are removed by name', async () => {
    await unharmed([old], async () => {
      await unharmed([late], async () => {
        for (const type of ['compute', 'network'])
          moveDatabase(type, join(cloud.stateDir, type), join(cloud.stateDir, `${type}-before`))
        assert.ok(!existsSync(databaseOf('compute')))
        await upFails(
          'other',
          /another control plane: the 2 guests of this host belong to .* \(another or an empty database\)/,
        )
        assert.match((await cloud.nephos('host', 'accept', 'other')).output, /Host other is accepted/)
        await statusSays(/nova-compute +up .*2 unknown guests, kept: /)
        await statusSays(/linuxbridge-agent +up .*is kept \(\d networks, \d+ ports/)
        assert.ok(namespaces().includes(`qdhcp-${lateNetwork}`))
        for (const tap of partsOf(late).taps) assert.ok(await bridgeOf(tap))
      })
      const { pid } = partsOf(late)
      assert.match((await cloud.nephos('guests', 'remove', late)).output, /and its disks are gone/)
      assert.deepEqual([existsSync(`/proc/${pid}/exe`), existsSync(instances(late))], [false, false])
    })
    await cloud.nephos('host', 'accept', 'other')
    await eventually('networks that nobody names are gone', async () => !namespaces().includes(`qdhcp-${lateNetwork}`))
  })
}
