/**
 * Placement over HTTP with 10,000 providers (a third of them nested, traits, aggregates), as JSON lines.
 * Usage: node_modules/.bin/node bench/placement.ts
 */
import { randomUUID } from 'node:crypto'
import { openDatabase } from '../src/platform/db/database.ts'
import { serve } from '../src/platform/http/server.ts'
import { createLogger } from '../src/platform/log/log.ts'
import { startPlacement, type TestPlacement } from '../src/services/placement/testing/placement.ts'
import type { PlacementSchema } from '../src/services/placement/store/tables.ts'
import { measure, print } from './measure.ts'

const providers = 10_000
const aggregates = Array.from({ length: 50 }, () => randomUUID())
const placement = await startPlacement()
const log = createLogger({ name: 'bench', level: 'fatal' })
const server = await serve(placement.app, { host: '127.0.0.1', port: 0, log })
const base = `http://127.0.0.1:${server.port}`
const headers = {
  'X-Auth-Token': 'admin',
  'OpenStack-API-Version': 'placement 1.39',
  'Content-Type': 'application/json',
}
const get = async (path: string) => {
  const answer = await fetch(base + path, { headers })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${text}`)
  return text
}

try {
  const nodes = await seed(placement)
  const started = performance.now()
  await get('/resource_providers?name=none')
  print('index of 10,000 providers, first reading, ms', { ms: Math.round(performance.now() - started) })
  await candidates()
  await list()
  await claims(nodes)
} finally {
  await server.close(0)
  await placement.stop()
}

/** A third of the trees have two children with devices; traits and aggregates on every node. Gives the uuids of roots. */
async function seed({ databaseUrl }: TestPlacement): Promise<string[]> {
  const database = openDatabase<PlacementSchema>(databaseUrl)
  const now = Date.now()
  const rows = { providers: [], inventories: [], traits: [], aggregates: [] } as {
    providers: PlacementSchema['providers'][]
    inventories: PlacementSchema['inventories'][]
    traits: PlacementSchema['provider_traits'][]
    aggregates: PlacementSchema['provider_aggregates'][]
  }
  const add = (name: string, parent: string | null, root: string | null, classes: Record<string, number>) => {
    const uuid = randomUUID()
    const made = { uuid, name, generation: 1, parent_uuid: parent, root_uuid: root ?? uuid }
    rows.providers.push({ ...made, created_at: now, updated_at: now })
    for (const [resource_class, total] of Object.entries(classes)) {
      const rule = { total, reserved: 0, min_unit: 1, max_unit: total, step_size: 1, allocation_ratio: 1 }
      rows.inventories.push({ provider_uuid: uuid, resource_class, ...rule, updated_at: now })
    }
    return uuid
  }
  const roots: string[] = []
  for (let number = 0; rows.providers.length < providers; number++) {
    const uuid = add(`host-${number}`, null, null, { VCPU: 64, MEMORY_MB: 262_144, DISK_GB: 2000 })
    roots.push(uuid)
    const traits = ['COMPUTE_NODE', 'HW_CPU_X86_AVX2', ...(number % 2 ? ['HW_CPU_X86_AVX512F'] : ['STORAGE_DISK_SSD'])]
    for (const trait of traits) rows.traits.push({ provider_uuid: uuid, trait })
    rows.aggregates.push({ provider_uuid: uuid, aggregate_uuid: aggregates[number % aggregates.length]! })
    if (number % 4 !== 0) continue
    for (const child of [0, 1]) {
      const device = add(`host-${number}-gpu${child}`, uuid, uuid, { VGPU: 8 })
      rows.traits.push({ provider_uuid: device, trait: 'HW_GPU_API_VULKAN' })
    }
  }
  await database.transaction(async (tx) => {
    const insert = async (table: keyof PlacementSchema, values: readonly object[]) => {
      for (let at = 0; at < values.length; at += 400) {
        await tx
          .insertInto(table)
          .values(values.slice(at, at + 400) as never)
          .execute()
      }
    }
    await insert('providers', rows.providers)
    await insert('inventories', rows.inventories)
    await insert('provider_traits', rows.traits)
    await insert('provider_aggregates', rows.aggregates)
  })
  await database.close()
  const nested = rows.providers.filter((row) => row.parent_uuid !== null).length
  print('providers', { count: rows.providers.length, nested, trees: roots.length })
  return roots
}

async function candidates() {
  const questions = {
    'resources and traits': '?resources=VCPU:2,MEMORY_MB:4096,DISK_GB:20&required=COMPUTE_NODE,!HW_CPU_X86_AVX512F',
    'resources, any-trait and aggregates': `?resources=VCPU:2,MEMORY_MB:4096&required=in:HW_CPU_X86_AVX512F,STORAGE_DISK_SSD&member_of=in:${aggregates.slice(0, 5).join()}`,
    'nested devices in a suffixed group':
      '?resources=VCPU:2,MEMORY_MB:4096&resources_GPU=VGPU:1&required_GPU=HW_GPU_API_VULKAN&group_policy=none',
    'nothing fits': '?resources=VCPU:64,MEMORY_MB:262145',
  }
  for (const [name, question] of Object.entries(questions)) {
    const path = `/allocation_candidates${question}&limit=100`
    for (let warm = 0; warm < 20; warm++) await get(path)
    const bytes = (await get(path)).length
    print(`allocation candidates, limit=100: ${name}, ms`, {
      ...(await measure({ clients: 1, count: 300 }, () => get(path))),
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

/** 32 clients ask for candidates' providers and claim them; each provider holds 64 claims of one VCPU. */
async function claims(roots: readonly string[]) {
  const few = roots.slice(0, 40)
  let retries = 0
  let refused = 0
  const claim = async (index: number) => {
    for (let attempt = 0; ; attempt++) {
      const provider = few[(index * 7 + attempt * 13) % few.length]!
      const answer = await fetch(`${base}/allocations/${randomUUID()}`, {
        method: 'PUT',
        headers,
        body: JSON.stringify({
          allocations: { [provider]: { resources: { VCPU: 1, MEMORY_MB: 1024, DISK_GB: 10 } } },
          project_id: 'bench',
          user_id: 'bench',
          consumer_generation: null,
          consumer_type: 'INSTANCE',
        }),
      })
      const text = await answer.text()
      if (answer.status === 204) return
      if (answer.status !== 409) throw new Error(`claim answered ${answer.status}: ${text}`)
      if (text.includes('exceed the capacity')) refused++
      else retries++
      if (attempt > 60) return
    }
  }
  const figures = await measure({ clients: 32, count: few.length * 64 + 200 }, claim)
  let over = 0
  for (const uuid of few) {
    const { usages } = JSON.parse(await get(`/resource_providers/${uuid}/usages`)) as { usages: { VCPU: number } }
    if (usages.VCPU > 64) over++
  }
  const mixed = await measure({ clients: 4, count: 200 }, (index) =>
    index % 2
      ? claim(index)
      : get('/allocation_candidates?resources=VCPU:2,MEMORY_MB:4096&required=COMPUTE_NODE&limit=100'),
  )
  print('claims by 32 clients', { ...figures, retriesPerClaim: retries / figures.count, refused, overAllocated: over })
  print('claims and candidates together, ms', mixed)
}
