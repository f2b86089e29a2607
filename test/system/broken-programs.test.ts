/** Programs of the host that are gone or cannot start: resources say so within seconds, and all is well when they are back. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findProgram } from '../../src/host/packages.ts'
import { eventually, login, type Api } from '../api.ts'
import { collect, createTestCloud, type TestCloud } from '../cloud.ts'
import { makeHost, must, withGuests } from '../host.ts'

await withGuests(import.meta.filename, defineTests)

interface Server {
  id: string
  status: string
  fault?: { message: string; details?: string }
}

function defineTests() {
  const folder = mkdtempSync(join(tmpdir(), 'nph-broken-'))
  let cloud: TestCloud
  let admin: Api
  let image = ''
  before(async () => {
    await makeHost()
    cloud = await createTestCloud({ args: [] })
    await cloud.up()
    admin = await login(cloud, 'admin')
    image = (await admin.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')).body.images[0]!
      .id
  })
  after(async () => {
    await cloud?.destroy()
    rmSync(folder, { recursive: true })
  })

  /** Puts a file in the place of a program until the returned function is called. */
  async function replace(program: string, text: string, mode: number): Promise<() => Promise<void>> {
    const file = join(folder, program)
    writeFileSync(file, text, { mode })
    const target = await findProgram(program)
    await must(['mount', '--bind', file, target!])
    return () => must(['umount', target!])
  }

  async function build(networks: string | { uuid: string }[]): Promise<Server> {
    const server = { name: 'g', flavorRef: '42', imageRef: image, networks }
    const version = { 'OpenStack-API-Version': 'compute 2.60' }
    const made = await admin.call<{ server: Server }>('compute', 'POST', '/v2.1/servers', { server }, version)
    assert.equal(made.status, 202, JSON.stringify(made.body))
    const path = `/v2.1/servers/${made.body.server.id}`
    return await eventually(
      'the build ends',
      async () => {
        const { body } = await admin.call<{ server: Server }>('compute', 'GET', path)
        return body.server.status !== 'BUILD' && body.server
      },
      60,
    )
  }

  async function remove({ id }: Server) {
    await admin.call('compute', 'DELETE', `/v2.1/servers/${id}`)
    const isGone = async () => (await admin.call('compute', 'GET', `/v2.1/servers/${id}`)).status === 404
    await eventually('the server is gone', isGone, 60)
  }

  async function network(cidr: string): Promise<string> {
    const { body } = await admin.call<{ network: { id: string } }>('network', 'POST', '/v2.0/networks', { network: {} })
    const subnet = { network_id: body.network.id, ip_version: 4, cidr }
    assert.equal((await admin.call('network', 'POST', '/v2.0/subnets', { subnet })).status, 201)
    return body.network.id
  }

  const roleOf = async (name: string) => {
    const { roles } = JSON.parse((await cloud.nephos('status', '--json')).output) as {
      roles: { role: string; error: string | null }[]
    }
    return roles.find(({ role }) => role === name)
  }

  test('QEMU that cannot start: the server is in ERROR with what QEMU said, and nothing of it is left', async () => {
    const restore = await replace('qemu-system-x86_64', '#!/bin/sh\necho "libspice is broken" >&2\nexit 3\n', 0o755)
    const server = await build('none')
    await restore()
    assert.equal(server.status, 'ERROR')
    assert.equal(server.fault?.message, 'The hypervisor could not start the server.')
    assert.match(server.fault?.details ?? '', /libspice is broken/)
    const { output } = await cloud.nephos('explain', server.id)
    assert.match(output, /FAILED .*libspice is broken/)
    await remove(server)

    const again = await build('none')
    assert.equal(again.status, 'ACTIVE', JSON.stringify(again.fault))
    await remove(again)
  })

  test('no dnsmasq: ports of new networks and their servers are in ERROR, the agent says why; then it heals', async () => {
    const restore = await replace('dnsmasq', 'not a program', 0o644)
    const id = await network('10.90.0.0/24')
    const server = await build([{ uuid: id }])
    assert.equal(server.status, 'ERROR')
    assert.match(server.fault?.message ?? '', /Failed to allocate the network\(s\), not rescheduling/)
    assert.match(server.fault?.details ?? '', /cannot wire port/)
    const { output } = await cloud.nephos('explain', server.id)
    assert.match(output, /FAILED .*wiring of port .*dnsmasq/)
    assert.match((await roleOf('neutron-dhcp-agent'))?.error ?? '', /dnsmasq/)
    await remove(server)

    await restore()
    await eventually('the agent is well', async () => (await roleOf('neutron-dhcp-agent'))?.error === null, 60)
    const again = await build([{ uuid: id }])
    assert.equal(again.status, 'ACTIVE', JSON.stringify(again.fault))
    await remove(again)
    const links = await collect(['ip', '-br', 'link'])
    assert.doesNotMatch(links.output, /^tap[^@\s]+\s/m)
  })
}
