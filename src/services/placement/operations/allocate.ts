/**
 * Replaces what consumers have, all or nothing. Raising the generations of the providers comes first: it is a write, so
 * of two claims on a provider the second waits until the first is done and then counts it.
 */
import type { PlacementDeps } from '../deps.ts'
import { CapacityExceeded, ConcurrentUpdate, ConstraintsViolated, InvalidInventory } from '../errors.ts'
import { Invalid } from '../../../platform/errors.ts'
import { isAllowedAmount, isOver } from '../model/capacity.ts'
import { unknownType, type ConsumerRequest } from '../model/consumer.ts'
import {
  deleteAllocationsOf,
  deleteConsumers,
  findConsumer,
  insertAllocations,
  insertConsumer,
  listAllocationsOf,
  listUsage,
  updateConsumer,
} from '../store/allocations.ts'
import { noteChanges } from '../store/changes.ts'
import { listInventories } from '../store/inventories.ts'
import { findProviders, raiseGenerations, type PlacementDb } from '../store/providers.ts'
import type { AllocationRow, ConsumerRow, InventoryRow } from '../store/tables.ts'
import { requireClasses } from './known-names.ts'

/** Throws ConcurrentUpdate, Invalid, ClassNotFound or InvalidInventory; then nothing has changed. */
export const replaceAllocations = (
  { database }: Pick<PlacementDeps, 'database'>,
  requests: readonly ConsumerRequest[],
): Promise<void> => database.transaction((tx) => setAllocations(tx, requests))

/** As `replaceAllocations`, inside a transaction. */
export async function setAllocations(tx: PlacementDb, requests: readonly ConsumerRequest[]): Promise<void> {
  for (const request of requests) await writeConsumer(tx, request)
  const consumers = requests.map((request) => request.consumer)
  const before = await listAllocationsOf(tx, consumers)
  const wanted = requests.flatMap(rowsOf)
  await requireClasses(
    tx,
    wanted.map((row) => row.resource_class),
  )
  await lockProviders(tx, requests, before, wanted)
  await checkCapacity(tx, before, wanted)
  await deleteAllocationsOf(tx, consumers)
  await insertAllocations(tx, wanted)
  const emptied = requests.filter((request) => Object.keys(request.resources).length === 0)
  await deleteConsumers(
    tx,
    emptied.map((request) => request.consumer),
  )
  await noteChanges(
    tx,
    [...before, ...wanted].map((row) => row.provider_uuid),
  )
}

function rowsOf({ consumer, resources }: ConsumerRequest): AllocationRow[] {
  const now = Date.now()
  const rows = Object.entries(resources).flatMap(([provider, amounts]) =>
    Object.entries(amounts).map(([name, used]) => ({
      provider_uuid: provider,
      consumer_uuid: consumer,
      resource_class: name,
      used,
      created_at: now,
    })),
  )
  return rows.map((row, position) => ({ ...row, position }))
}

/** A consumer is made, or changes its generation by compare-and-swap. */
async function writeConsumer(tx: PlacementDb, request: ConsumerRequest) {
  const found = await findConsumer(tx, request.consumer)
  const { generation } = request
  if (generation !== undefined && generation !== (found?.generation ?? null)) {
    throw new ConcurrentUpdate(
      found
        ? `consumer generation conflict - expected ${found.generation} but got ${generation ?? 'None'}`
        : `consumer generation conflict - expected null but got ${generation}`,
    )
  }
  const row: ConsumerRow = {
    uuid: request.consumer,
    project_id: request.projectId,
    user_id: request.userId,
    generation: (found?.generation ?? 0) + 1,
    type: request.type ?? found?.type ?? unknownType,
  }
  const isWritten = found ? await updateConsumer(tx, row, found.generation) : await insertConsumer(tx, row)
  if (!isWritten) throw new ConcurrentUpdate()
}

/** Raises the generations of the providers that give, and of those that consumers leave altogether. */
async function lockProviders(
  tx: PlacementDb,
  requests: readonly ConsumerRequest[],
  before: readonly AllocationRow[],
  wanted: readonly AllocationRow[],
) {
  const staying = new Set(
    requests.filter((each) => Object.keys(each.resources).length > 0).map((each) => each.consumer),
  )
  const left = before.filter((row) => !staying.has(row.consumer_uuid))
  const uuids = [...new Set([...wanted, ...left].map((row) => row.provider_uuid))].sort()
  if ((await raiseGenerations(tx, uuids)) === uuids.length) return
  const known = new Set((await findProviders(tx, uuids)).map((provider) => provider.uuid))
  const missing = uuids.find((uuid) => !known.has(uuid))
  throw new Invalid(`Allocation for resource provider '${missing}' that does not exist.`)
}

async function checkCapacity(tx: PlacementDb, before: readonly AllocationRow[], wanted: readonly AllocationRow[]) {
  const uuids = [...new Set(wanted.map((row) => row.provider_uuid))]
  const inventories = await listInventories(tx, uuids)
  const usage = await listUsage(tx, uuids)
  for (const uuid of uuids) requireInventory(uuid, wanted, inventories)
  const keyOf = (row: { provider_uuid: string; resource_class: string }) => `${row.provider_uuid} ${row.resource_class}`
  const used = new Map(usage.map((each) => [keyOf(each), each.used]))
  const freed = Map.groupBy(before, keyOf)
  const stock = new Map(inventories.map((row) => [keyOf(row), row]))
  for (const [key, rows] of Map.groupBy(wanted, keyOf)) {
    const { provider_uuid: provider, resource_class: name } = rows[0]!
    const inventory = stock.get(key)
    if (!inventory) throw new InvalidInventory(name, provider)
    if (rows.some((row) => !isAllowedAmount(inventory, row.used))) throw new ConstraintsViolated(name, provider)
    const usedBefore = used.get(key) ?? 0
    const usedAfter = usedBefore - sum(freed.get(key) ?? []) + sum(rows)
    // A provider may be over its capacity already: what makes that no worse is taken.
    if (isOver(inventory, usedAfter) && usedAfter > usedBefore) throw new CapacityExceeded(name, provider)
  }
}

function requireInventory(uuid: string, wanted: readonly AllocationRow[], inventories: readonly InventoryRow[]) {
  const classes = new Set(wanted.map((row) => row.resource_class))
  if (inventories.some((row) => row.provider_uuid === uuid && classes.has(row.resource_class))) return
  throw new InvalidInventory([...classes].join(', '), uuid)
}

const sum = (rows: readonly AllocationRow[]): number => rows.reduce((total, row) => total + row.used, 0)

/** Takes everything back from a consumer; false when it has nothing. */
export function removeAllocations({ database }: Pick<PlacementDeps, 'database'>, consumer: string): Promise<boolean> {
  return database.transaction(async (tx) => {
    // Being a write, it also waits for whoever replaces what the consumer has.
    await deleteConsumers(tx, [consumer])
    const before = await listAllocationsOf(tx, [consumer])
    if (before.length === 0) return false
    await deleteAllocationsOf(tx, [consumer])
    await noteChanges(
      tx,
      before.map((row) => row.provider_uuid),
    )
    return true
  })
}
