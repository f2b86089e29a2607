/**
 * Benchmarks of a cloud with fake hosts, as JSON lines; `ratio` compares with a bare node:http server that sends the same
 * bytes in the same run. Usage: npm run bench
 */
import { login, type Api } from '../test/api.ts'
import { createTestCloud } from '../test/cloud.ts'
import { build } from './build.ts'
import { measure, memory, print, processesOf, type Figures } from './measure.ts'
import { bareServer, timed } from './processes.ts'

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
  const servers = await measure({ clients: 8, count: 200 }, () => build(demo, image, [{ uuid: networkId }]))
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

/** Measures a call and, right after it, the bare server sending an answer of the same size. */
async function compared(name: string, clients: number, seconds: number, call: () => Promise<{ body: unknown }>) {
  const bytes = JSON.stringify((await call()).body)
  const figures = await measure({ clients, seconds }, call)
  const bare = await bareRate(bytes, clients, seconds)
  print(name, {
    ...figures,
    bytes: bytes.length,
    barePerSecond: bare.perSecond,
    ratio: Number((figures.perSecond / bare.perSecond).toFixed(2)),
  })
}

async function bareRate(bytes: string, clients: number, seconds: number): Promise<Figures> {
  const server = await bareServer({ bytes })
  try {
    return await measure(
      { clients, seconds },
      async () => JSON.parse(await (await fetch(server.url)).text()) as unknown,
    )
  } finally {
    server.stop()
  }
}

/** Upload and download of 256 MiB, beside the same bytes to and from a server that does nothing else. */
async function images(demo: Api) {
  const data = Buffer.alloc(256 * 1024 * 1024, 7)
  const image = { name: 'bench', disk_format: 'raw', container_format: 'bare' }
  const { body } = await demo.call<{ id: string }>('image', 'POST', '/v2/images', image)
  const url = `${cloud.url('image')}/v2/images/${body.id}/file`
  const headers = { 'X-Auth-Token': demo.token, 'Content-Type': 'application/octet-stream' }
  const control = (await processesOf(cloud))['control']!
  const put = async (to: string) => {
    const answer = await fetch(to, { method: 'PUT', body: data, headers })
    if (!answer.ok) throw new Error(`upload answered ${answer.status}`)
  }
  const get = async (from: string) => void (await (await fetch(from, { headers })).arrayBuffer())
  const up = await timed(control, () => put(url))
  const down = await timed(control, () => get(url))
  const server = await bareServer({ bytes: data })
  const bareUp = await timed(server.pid, () => put(server.url))
  const bareDown = await timed(server.pid, () => get(server.url))
  server.stop()
  printTransfer('image upload, 256 MiB', up, bareUp)
  printTransfer('image download, 256 MiB', down, bareDown)
}

type Timed = Awaited<ReturnType<typeof timed>>

function printTransfer(name: string, own: Timed, bare: Timed) {
  const rate = ({ seconds }: Timed) => Math.round(256 / seconds)
  const ratio = Number((bare.seconds / own.seconds).toFixed(2))
  print(name, { mibPerSecond: rate(own), cpuMs: own.cpuMs, bare: rate(bare), bareCpuMs: bare.cpuMs, ratio })
}
