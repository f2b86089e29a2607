/** A cloud whose roles are processes of their own: they find each other, wait for each other, and any may be killed. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSettings, type Settings } from '../../src/deployment/settings.ts'
import { login } from '../../src/cmd/admin-client.ts'
import { rolesOfKind } from '../../src/deployment/services.ts'
import { readSecret } from '../../src/deployment/secrets.ts'
import { httpTransport } from '../../src/platform/http/client.ts'
import { eventually } from '../api.ts'
import { collect, freePorts } from '../cloud.ts'

const bin = join(import.meta.dirname, '../../bin/nephos')

/** Processes of one cloud, each by its roles. */
class Topology {
  readonly stateDir = mkdtempSync(join(tmpdir(), 'nph-roles-'))
  readonly #portBase: number
  readonly #children = new Map<string, ChildProcess>()

  constructor(portBase: number) {
    this.#portBase = portBase
  }

  run(...roles: string[]): void {
    const where = ['--state-dir', this.stateDir, '--port-base', String(this.#portBase), '--name', `t${this.#portBase}`]
    this.#children.set(roles[0]!, spawn(bin, ['run', ...roles, ...where, '--fake'], { stdio: 'ignore' }))
  }

  /** Ends a process without a word: the program itself, which the command `nephos` hands over to. */
  async kill(role: string): Promise<void> {
    const child = this.#children.get(role)!
    this.#children.delete(role)
    const gone = new Promise((resolve) => child.once('exit', resolve))
    const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ')
    process.kill(Number(pid), 'SIGKILL')
    await gone
  }

  async until(what: string, isTrue: (states: Map<string, string>) => boolean): Promise<void> {
    await eventually(
      what,
      async () => {
        const { output } = await collect([bin, 'status', '--json', '--state-dir', this.stateDir])
        const parsed = output.startsWith('{')
          ? (JSON.parse(output) as { roles?: { role: string; state: string }[] })
          : {}
        const states = (parsed.roles ?? []).map(({ role, state }) => [role.split(' ')[0]!, state] as const)
        return isTrue(new Map(states))
      },
      60,
    )
  }

  get settings(): Settings {
    return readSettings(this.stateDir)!
  }

  async end(): Promise<void> {
    for (const role of this.#children.keys()) await this.kill(role)
    rmSync(this.stateDir, { recursive: true, force: true })
  }
}

test(
  'roles in processes of their own are one cloud; each may be killed and comes back',
  { timeout: 240_000 },
  async (t) => {
    const topology = new Topology(await freePorts())
    t.after(() => topology.end())
    topology.run('nephos-bus', 'keystone-api')
    await topology.until('keystone', (states) => states.get('keystone-api') === 'up')
    topology.run('nova-api')
    topology.run('nova-conductor')
    topology.run('placement-api', 'glance-api')
    topology.run('neutron-server')
    const parts = ['nova-api', 'nova-conductor', 'placement-api', 'glance-api', 'neutron-server']
    await topology.until('all but a scheduler', (states) => parts.every((role) => states.get(role) === 'up'))

    const { settings, stateDir } = topology
    topology.run('nova-compute')
    topology.run('neutron-linuxbridge-agent')
    const at = (offset: number) => httpTransport(`http://127.0.0.1:${settings.portBase! + offset}`)
    const password = readSecret(stateDir, 'user-admin').reveal()
    const token = await login(at(0), { user: 'admin', password, project: 'admin' })
    const headers = { 'X-Auth-Token': token, 'OpenStack-API-Version': 'compute 2.96' }
    const call = async (service: number, method: string, path: string, json?: unknown) => {
      const answer = await at(service).send({ method, path, headers, ...(json !== undefined && { json }) })
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
      return answer.body as Record<string, Record<string, string>>
    }
    const compute = 3
    const flavor = { name: 'm1.nano', id: '42', ram: 64, vcpus: 1, disk: 0 }
    await call(compute, 'POST', '/v2.1/flavors', { flavor })
    const image = (await call(1, 'POST', '/v2/images', {
      name: 'i',
      disk_format: 'raw',
      container_format: 'bare',
    })) as unknown as { id: string }
    const { Readable } = await import('node:stream')
    await at(1).send({
      method: 'PUT',
      path: `/v2/images/${image.id}/file`,
      headers: { ...headers, 'Content-Type': 'application/octet-stream' },
      stream: Readable.from([Buffer.alloc(1024)]),
    })
    const create = async (name: string) => {
      const server = { name, imageRef: image.id, flavorRef: '42', networks: 'none' }
      return (await call(compute, 'POST', '/v2.1/servers', { server }))['server']!['id']!
    }
    const statusOf = async (id: string) => (await call(compute, 'GET', `/v2.1/servers/${id}`))['server']!['status']
    const untilActive = (id: string) => eventually(`${id} is ACTIVE`, async () => (await statusOf(id)) === 'ACTIVE', 60)

    const agents = ['nova-compute', 'neutron-linuxbridge-agent']
    await topology.until('a host', (states) => agents.every((role) => states.get(role) === 'up'))
    const first = await create('waits for a scheduler')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    assert.equal(await statusOf(first), 'BUILD')
    topology.run('nova-scheduler')
    await untilActive(first)

    await topology.kill('nova-conductor')
    const second = await create('waits for a conductor')
    assert.equal(await statusOf(second), 'BUILD')
    topology.run('nova-conductor')
    await untilActive(second)

    // A host's agents are apart, too, and what waits for one of them is done when it comes.
    const network = 6
    const make = async (what: string, body: object) => {
      const answer = await call(network, 'POST', `/v2.0/${what}s`, { [what]: body })
      return answer[what]!['id']!
    }
    const networkId = await make('network', { name: 'n' })
    const subnetId = await make('subnet', { network_id: networkId, ip_version: 4, cidr: '10.0.0.0/24' })
    const routerId = await make('router', { name: 'r' })
    await call(network, 'PUT', `/v2.0/routers/${routerId}/add_router_interface`, { subnet_id: subnetId })
    const ports = async () => {
      const answer = await call(network, 'GET', `/v2.0/ports?network_id=${networkId}`)
      return (answer['ports'] as unknown as Record<string, string>[]).map((port) => [
        port['device_owner'],
        port['status'],
      ])
    }
    assert.deepEqual(await ports(), [['network:router_interface', 'DOWN']])
    topology.run('neutron-dhcp-agent')
    const untilWired = (owner: string) =>
      eventually(owner, async () => (await ports()).some((each) => each.join() === `${owner},ACTIVE`), 60)
    await untilWired('network:dhcp')
    assert.deepEqual((await ports()).toSorted()[1], ['network:router_interface', 'DOWN'])
    topology.run('neutron-l3-agent')
    topology.run('neutron-metadata-agent')
    await untilWired('network:router_interface')
    const listed = async () =>
      (await call(network, 'GET', '/v2.0/agents'))['agents'] as unknown as { binary: string; alive: boolean }[]
    const neutrons = rolesOfKind('agent').filter((role) => role.startsWith('neutron-'))
    await eventually('four agents', async () => (await listed()).length === 4, 60)
    assert.deepEqual(
      (await listed()).map(({ binary, alive }) => [binary, alive]).toSorted(),
      neutrons.map((role) => [role, true]).toSorted(),
    )
    const twice = await collect([bin, 'run', 'neutron-l3-agent', '--fake', '--state-dir', stateDir])
    assert.match(twice.output, /neutron-l3-agent of this host already runs in process \d+/)
    await topology.kill('nova-api')
    topology.run('nova-api')
    await topology.until('nova-api is back', (states) => states.get('nova-api') === 'up')
    assert.equal(await statusOf(second), 'ACTIVE')
    // What the bus connects comes together again when it is back.
    await topology.kill('nephos-bus')
    topology.run('nephos-bus', 'keystone-api')
    await topology.until('keystone is back', (states) => states.get('keystone-api') === 'up')
    await untilActive(await create('after the bus'))
  },
)

test('a name that is no role is refused with those that there are', async () => {
  const { code, output } = await collect([bin, 'run', 'nova-cells'])
  assert.equal(code, 2)
  assert.match(output, /nova-cells: no such role; there are keystone-api, .*nova-conductor.*nephos-bus/)
})
