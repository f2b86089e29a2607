/**
 * Networking over HTTP on a cloud with fake hosts, as JSON lines: ports made one by one and in bulk, and lists of a
 * thousand of them; and how many hosts read their state for a change. Usage: npm run bench network
 */
import { waitFor } from '../src/base/wait.ts'
import { agentContracts } from '../src/services/network/rpc/host-state.ts'
import { createTestNetwork } from '../src/services/network/testing/service.ts'
import { login, type Api } from '../test/api.ts'
import { createTestCloud } from '../test/cloud.ts'
import { measure, print } from './measure.ts'

const cloud = await createTestCloud({ args: ['--fake'] })
try {
  await cloud.up()
  await run(await login(cloud, 'admin'), await login(cloud, 'demo'))
} finally {
  await cloud.destroy()
}

await pullsPerChange(200)

/** Of `count` hosts, all but a few of which have nothing to do with what changes. */
async function pullsPerChange(count: number) {
  const hosts = Array.from({ length: count }, (_, index) => `h${index}`)
  const net = await createTestNetwork('[QUOTAS]\nquota_port = -1\n', hosts)
  const { bus } = net
  const dispatch = bus.dispatch.bind(bus)
  let looks = 0
  bus.dispatch = (topic, host, method, ...rest) => {
    if (topic === agentContracts.l2.topic && method === 'look') looks++
    return dispatch(topic, host, method, ...rest)
  }
  try {
    const network = await net.make('admin@ops', 'POST', '/networks', { network: {} })
    const subnet = { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/16', enable_dhcp: false }
    await net.make('admin@ops', 'POST', '/subnets', { subnet })
    const changes = 100
    const port = (index: number) => ({
      network_id: network.id,
      device_owner: 'compute:nova',
      security_groups: [],
      'binding:host_id': `h${index % 4}`,
    })
    const began = performance.now()
    looks = 0
    for (let index = 0; index < changes; index++) {
      const before = looks
      await net.make('admin@ops', 'POST', '/ports', { port: port(index) })
      await waitFor(() => looks > before, { what: 'a look', timeoutMs: 5000, intervalMs: 1 })
    }
    const msPerChange = (performance.now() - began) / changes
    print(`pulls per port on 4 of ${count} hosts`, { perChange: looks / changes, msPerChange })
  } finally {
    await net.close()
  }
}

type Made = Record<string, { id: string }>

async function run(admin: Api, demo: Api) {
  const call = async (api: Api, method: string, path: string, json?: unknown) => {
    const { status, body } = await api.call<Made>('network', method, `/v2.0${path}`, json)
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(body)}`)
    return body
  }
  const unlimited = { network: -1, subnet: -1, port: -1, router: -1, security_group: -1, floatingip: -1 }
  await call(admin, 'PUT', `/quotas/${demo.projectId}`, { quota: unlimited })
  const network_id = (await call(demo, 'POST', '/networks', { network: { name: 'bench' } }))['network']!.id
  await call(demo, 'POST', '/subnets', { subnet: { network_id, ip_version: 4, cidr: '10.200.0.0/16' } })
  const port = { network_id }

  const create = () => call(demo, 'POST', '/ports', { port })
  print('port create, 8 clients', await measure({ clients: 8, count: 1000 }, create))
  const list = (api: Api, query: string) => () => call(api, 'GET', `/ports${query}`)
  print('list of 1000 ports, 4 clients', await measure({ clients: 4, seconds: 3 }, list(demo, '')))
  print('list of 1000 ports, ids only', await measure({ clients: 4, seconds: 3 }, list(demo, '?fields=id')))
  print('first 50 ports', await measure({ clients: 4, seconds: 3 }, list(demo, '?limit=50')))
  print('ports of a server', await measure({ clients: 8, seconds: 3 }, list(admin, '?device_id=none')))
  const bulk = () => call(demo, 'POST', '/ports', { ports: Array.from({ length: 100 }, () => port) })
  const { perSecond, ...rest } = await measure({ clients: 2, count: 20 }, bulk)
  print('ports in bulks of 100', { ...rest, portsPerSecond: perSecond * 100 })
  print('port create among 3000, 8 clients', await measure({ clients: 8, count: 1000 }, create))
  print(
    'network create, 8 clients',
    await measure({ clients: 8, count: 500 }, () => call(demo, 'POST', '/networks', { network: {} })),
  )
  print('list of 500 networks', await measure({ clients: 4, seconds: 3 }, () => call(demo, 'GET', '/networks')))
}
