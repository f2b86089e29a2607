import { randomUUID } from 'node:crypto'
import { openDatabase } from '../src/platform/db/database.ts'
import type { PlacementSchema } from '../src/services/placement/store/tables.ts'

export interface Seeded {
  /** Roots of trees: hosts. */
  roots: string[]
  aggregates: string[]
  nested: number
  /** An aggregate of `fewHosts` hosts, which are in no other. */
  few: string
}

const fewHosts = 40

interface Rows {
  providers: PlacementSchema['providers'][]
  inventories: PlacementSchema['inventories'][]
  provider_traits: PlacementSchema['provider_traits'][]
  provider_aggregates: PlacementSchema['provider_aggregates'][]
}

/** Fills the tables: every fourth tree has two children with devices; traits and aggregates on every host. */
export async function seed(databaseUrl: string, count: number): Promise<Seeded> {
  const rows: Rows = { providers: [], inventories: [], provider_traits: [], provider_aggregates: [] }
  const aggregates = Array.from({ length: 50 }, () => randomUUID())
  const few = randomUUID()
  const roots: string[] = []
  for (let number = 0; rows.providers.length < count; number++) {
    const uuid = add(rows, `host-${number}`, null, { VCPU: 64, MEMORY_MB: 262_144, DISK_GB: 2000 })
    roots.push(uuid)
    const traits = ['COMPUTE_NODE', 'HW_CPU_X86_AVX2', number % 2 ? 'HW_CPU_X86_AVX512F' : 'STORAGE_DISK_SSD']
    for (const trait of traits) rows.provider_traits.push({ provider_uuid: uuid, trait })
    const aggregate = number < fewHosts ? few : aggregates[number % aggregates.length]!
    rows.provider_aggregates.push({ provider_uuid: uuid, aggregate_uuid: aggregate })
    if (number % 4 !== 0) continue
    for (const child of [0, 1]) {
      const device = add(rows, `host-${number}-gpu${child}`, uuid, { VGPU: 8 })
      rows.provider_traits.push({ provider_uuid: device, trait: 'HW_GPU_API_VULKAN' })
    }
  }
  await write(databaseUrl, rows)
  const nested = rows.providers.filter((row) => row.parent_uuid !== null).length
  return { roots, aggregates, nested, few }
}

function add(rows: Rows, name: string, parent: string | null, classes: Record<string, number>): string {
  const uuid = randomUUID()
  const now = Date.now()
  const at = { created_at: now, updated_at: now }
  rows.providers.push({ uuid, name, generation: 1, parent_uuid: parent, root_uuid: parent ?? uuid, ...at })
  for (const [resource_class, total] of Object.entries(classes)) {
    const rule = { total, reserved: 0, min_unit: 1, max_unit: total, step_size: 1, allocation_ratio: 1 }
    rows.inventories.push({ provider_uuid: uuid, resource_class, ...rule, updated_at: now })
  }
  return uuid
}

async function write(databaseUrl: string, rows: Rows) {
  const database = openDatabase<PlacementSchema>(databaseUrl)
  await database.transaction(async (tx) => {
    for (const [table, values] of Object.entries(rows) as [keyof Rows, object[]][]) {
      for (let at = 0; at < values.length; at += 400) {
        await tx
          .insertInto(table)
          .values(values.slice(at, at + 400) as never)
          .execute()
      }
    }
  })
  await database.close()
}
