/**
 * Placement over HTTP with 10,000 providers (a third of them nested, traits, aggregates), as JSON lines.
 * Usage: npm run bench placement; with the URL of an empty database in NEPHOS_BENCH_DATABASE on that instead of SQLite.
 */
import { randomUUID } from 'node:crypto'
import { Agent, request as httpRequest } from 'node:http'
import { Worker } from 'node:worker_threads'
import { measure, print } from './measure.ts'
import { seed, type Seeded } from './placement-seed.ts'

const providers = 10_000
const worker = new Worker(new URL('./placement-server.ts', import.meta.url))
const { port, databaseUrl } = await new Promise<{ port: number; databaseUrl: string }>((resolve, reject) => {
  worker.once('message', resolve).once('error', reject)
})
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const headers = {
  'X-Auth-Token': 'admin',
  'OpenStack-API-Version': 'placement 1.39',
  'Content-Type': 'application/json',
}

try {
  const seeded = await seed(databaseUrl, providers)
  print('providers', { count: providers, nested: seeded.nested, trees: seeded.roots.length })
  const started = performance.now()
  await get('/resource_providers?name=none')
  print('index of 10,000 providers, first reading, ms', { ms: Math.round(performance.now() - started) })
  await candidates(seeded)
  await list()
  await spread(seeded)
  await lastRoom(seeded)
  await mixed(seeded)
} finally {
  agent.destroy()
  // oxlint-disable-next-line require-post-message-target-origin -- a thread, no window.
  worker.postMessage('stop')
}

function send(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = httpRequest({ host: '127.0.0.1', port, agent, method, path, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
      answer.on('error', reject)
    })
    call.on('error', reject)
    call.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function get(path: string): Promise<string> {
  const { status, text } = await send('GET', path)
  if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`)
  return text
}

/** Takes a host's resources for a new server; false when there is no room. */
async function claim(provider: string): Promise<boolean> {
  const { status, text } = await send('PUT', `/allocations/${randomUUID()}`, {
    allocations: { [provider]: { resources: { VCPU: 1, MEMORY_MB: 1024, DISK_GB: 10 } } },
    project_id: 'bench',
    user_id: 'bench',
    consumer_generation: null,
    consumer_type: 'INSTANCE',
  })
  if (status !== 204 && status !== 409) throw new Error(`claim answered ${status}: ${text}`)
  return status === 204
}

async function candidates({ aggregates }: Seeded) {
  const questions = {
    'resources and traits': '?resources=VCPU:2,MEMORY_MB:4096,DISK_GB:20&required=COMPUTE_NODE,!HW_CPU_X86_AVX512F',
    'resources, any-trait and aggregates': `?resources=VCPU:2,MEMORY_MB:4096&required=in:HW_CPU_X86_AVX512F,STORAGE_DISK_SSD&member_of=in:${aggregates.slice(0, 5).join()}`,
    'nested devices in a suffixed group':
      '?resources=VCPU:2,MEMORY_MB:4096&resources_GPU=VGPU:1&required_GPU=HW_GPU_API_VULKAN&group_policy=none',
    'no host has both traits': '?resources=VCPU:2,MEMORY_MB:4096&required=HW_CPU_X86_AVX512F,STORAGE_DISK_SSD',
    'nothing fits': '?resources=VCPU:64,MEMORY_MB:262145',
  }
  for (const [name, question] of Object.entries(questions)) {
    const path = `/allocation_candidates${question}&limit=100`
    for (let warm = 0; warm < 50; warm++) await get(path)
    const bytes = (await get(path)).length
    print(`allocation candidates, limit=100: ${name}, ms`, {
      ...(await measure({ clients: 1, count: 1000 }, () => get(path))),
      bytes,
    })
  }
}

async function list() {
  for (let warm = 0; warm < 3; warm++) await get('/resource_providers')
  const bytes = (await get('/resource_providers')).length
  print('list of 10,000 providers, ms', {
    ...(await measure({ clients: 1, count: 20 }, () => get('/resource_providers'))),
    bytes,
  })
}

/** 32 clients claim at hosts all over the cloud. */
async function spread({ roots }: Seeded) {
  const hosts = roots.slice(100)
  const figures = await measure({ clients: 32, count: 5000 }, async () => {
    if (!(await claim(hosts[Math.floor(Math.random() * hosts.length)]!))) throw new Error('there was room')
  })
  print('claims by 32 clients all over the cloud', figures)
}

/**
 * 32 clients schedule as nova does, each asking for candidates and claiming one, until 40 hosts are full: 2,560 claims.
 * A retry is a claim that came too late.
 */
async function lastRoom({ few, roots }: Seeded) {
  const path = `/allocation_candidates?resources=VCPU:1,MEMORY_MB:1024,DISK_GB:10&member_of=${few}&limit=10`
  let [retries, claims] = [0, 0]
  const schedule = async () => {
    for (;;) {
      const { allocation_requests: found } = JSON.parse(await get(path)) as {
        allocation_requests: { allocations: Record<string, unknown> }[]
      }
      if (found.length === 0) return
      const chosen = found[Math.floor(Math.random() * found.length)]!
      if (await claim(Object.keys(chosen.allocations)[0]!)) return void claims++
      retries++
    }
  }
  const { count: _count, ...figures } = await measure({ clients: 32, count: 2560 + 64 }, schedule)
  const used: number[] = []
  for (const uuid of roots.slice(0, 40)) {
    const { usages } = JSON.parse(await get(`/resource_providers/${uuid}/usages`)) as { usages: { VCPU: number } }
    used.push(usages.VCPU)
  }
  print('candidates and a claim by 32 clients until all is taken', {
    claims,
    ...figures,
    retriesPerClaim: Number((retries / claims).toFixed(3)),
    overAllocated: used.filter((each) => each > 64).length,
    full: used.filter((each) => each === 64).length,
  })
}

/** Candidates while 8 clients claim. */
async function mixed({ roots }: Seeded) {
  const path = '/allocation_candidates?resources=VCPU:2,MEMORY_MB:4096&required=COMPUTE_NODE&limit=100'
  const until = performance.now() + 3000
  const claiming = measure({ clients: 8, seconds: 3 }, () => claim(roots[Math.floor(Math.random() * roots.length)]!))
  const asking = measure({ clients: 1, seconds: (until - performance.now()) / 1000 }, () => get(path))
  print('allocation candidates, limit=100, beside claims, ms', await asking)
  print('claims by 8 clients beside candidates', await claiming)
}
