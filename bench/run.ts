/**
 * Benchmarks of a cloud with fake hosts, as JSON lines; `ratio` compares with a bare node:http server that sends the same
 * bytes in the same run. Usage: npm run bench
 */
import { createServer } from 'node:http'
import { eventually, login, type Api } from '../test/api.ts'
import { createTestCloud } from '../test/cloud.ts'
import { measure, memory, print, type Figures } from './measure.ts'

const cloud = await createTestCloud({ args: ['--fake'] })
try {
  const started = performance.now()
  await cloud.up()
  print('first start to all APIs, ms', { ms: Math.round(performance.now() - started) })
  await run(await login(cloud, 'admin'), await login(cloud, 'demo'))
  await memory(cloud)
  await cloud.nephos('down')
  const again = performance.now()
  await cloud.up()
  print('warm start to all APIs, ms', { ms: Math.round(performance.now() - again) })
} finally {
  await cloud.destroy()
}

async function run(admin: Api, demo: Api) {
  await admin.call('compute', 'PUT', `/v2.1/os-quota-sets/${demo.projectId}`, {
    quota_set: { cores: -1, ram: -1, instances: -1 },
  })
  await admin.call('network', 'PUT', `/v2.0/quotas/${demo.projectId}`, { quota: { port: -1 } })
  const subject = { 'X-Subject-Token': demo.token }
  await compared('token validation', 16, 3, () => admin.call('identity', 'GET', '/v3/auth/tokens', undefined, subject))
  const password = cloud.environment('demo')['OS_PASSWORD']!
  print('password token issue', await measure({ clients: 4, seconds: 3 }, () => login(cloud, 'demo', { password })))
  print('token by token', await measure({ clients: 8, seconds: 3 }, () => rescope(demo)))

  const networkId = (await demo.call<{ networks: { id: string }[] }>('network', 'GET', '/v2.0/networks?name=private'))
    .body.networks[0]!.id
  const network = await demo.call<{ network: { id: string } }>('network', 'POST', '/v2.0/networks', {
    network: { name: 'bench' },
  })
  const benchNetwork = network.body.network.id
  await demo.call('network', 'POST', '/v2.0/subnets', {
    subnet: { network_id: benchNetwork, ip_version: 4, cidr: '10.200.0.0/16' },
  })
  print(
    'port create',
    await measure({ clients: 8, count: 1000 }, () =>
      demo.call('network', 'POST', '/v2.0/ports', { port: { network_id: benchNetwork } }),
    ),
  )

  const image = (await demo.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')).body
    .images[0]!.id
  const servers = await measure({ clients: 8, count: 200 }, () => build(demo, image, networkId))
  print('server create, POST to ACTIVE', servers)
  await compared('GET /servers/detail of 100', 8, 3, () =>
    demo.call('compute', 'GET', '/v2.1/servers/detail?limit=100'),
  )
  await memory(cloud)
  await images(demo)
}

async function rescope(demo: Api) {
  const auth = {
    identity: { methods: ['token'], token: { id: demo.token } },
    scope: { project: { id: demo.projectId } },
  }
  const { status } = await demo.call('identity', 'POST', '/v3/auth/tokens', { auth })
  if (status !== 201) throw new Error(`token by token answered ${status}`)
}

async function build(demo: Api, imageRef: string, uuid: string) {
  const server = { name: 'bench', flavorRef: '42', imageRef, networks: [{ uuid }] }
  const created = await demo.call<{ server: { id: string } }>('compute', 'POST', '/v2.1/servers', { server })
  if (created.status !== 202)
    throw new Error(`server create answered ${created.status}: ${JSON.stringify(created.body)}`)
  await eventually('the server is ACTIVE', async () => {
    const { body } = await demo.call<{ server: { status: string } }>(
      'compute',
      'GET',
      `/v2.1/servers/${created.body.server.id}`,
    )
    if (body.server.status === 'ERROR') throw new Error('the server is in ERROR')
    return body.server.status === 'ACTIVE'
  })
}

/** Measures a call and, right after it, the bare server sending an answer of the same size. */
async function compared(name: string, clients: number, seconds: number, call: () => Promise<{ body: unknown }>) {
  const bytes = JSON.stringify((await call()).body)
  const figures = await measure({ clients, seconds }, call)
  const bare = await bareServer(bytes, clients, seconds)
  print(name, {
    ...figures,
    bytes: bytes.length,
    barePerSecond: bare.perSecond,
    ratio: Number((figures.perSecond / bare.perSecond).toFixed(2)),
  })
}

async function bareServer(bytes: string, clients: number, seconds: number): Promise<Figures> {
  const server = createServer(
    (_request, response) => void response.setHeader('Content-Type', 'application/json').end(bytes),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  try {
    return await measure(
      { clients, seconds },
      async () => JSON.parse(await (await fetch(`http://127.0.0.1:${port}/`)).text()) as unknown,
    )
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** Upload and download of 256 MiB, beside a pipe of the same bytes over loopback. */
async function images(demo: Api) {
  const data = Buffer.alloc(256 * 1024 * 1024, 7)
  const image = { name: 'bench', disk_format: 'raw', container_format: 'bare' }
  const { body } = await demo.call<{ id: string }>('image', 'POST', '/v2/images', image)
  const url = `${cloud.url('image')}/v2/images/${body.id}/file`
  const headers = { 'X-Auth-Token': demo.token, 'Content-Type': 'application/octet-stream' }
  const up = await timed(async () => {
    const answer = await fetch(url, { method: 'PUT', body: data, headers })
    if (answer.status !== 204) throw new Error(`upload answered ${answer.status}`)
  })
  const down = await timed(async () => void (await (await fetch(url, { headers })).arrayBuffer()))
  const server = createServer((request, response) => {
    if (request.method === 'PUT') request.resume().on('end', () => response.end())
    else response.end(data)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bareUrl = `http://127.0.0.1:${(server.address() as { port: number }).port}/`
  const bareUp = await timed(async () => void (await (await fetch(bareUrl, { method: 'PUT', body: data })).text()))
  const bareDown = await timed(async () => void (await (await fetch(bareUrl)).arrayBuffer()))
  server.closeAllConnections()
  server.close()
  const rate = (seconds: number) => Math.round(256 / seconds)
  print('image upload, MiB/s', { rate: rate(up), bareRate: rate(bareUp), ratio: Number((bareUp / up).toFixed(2)) })
  print('image download, MiB/s', {
    rate: rate(down),
    bareRate: rate(bareDown),
    ratio: Number((bareDown / down).toFixed(2)),
  })
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
