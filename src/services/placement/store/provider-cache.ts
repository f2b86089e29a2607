/**
 * Keeps a `ProviderIndex` as fresh as the database: every reading follows the log of changes and loads the providers in
 * it again. Also what other processes committed is seen by the next reading.
 */
import type { Database } from '../../../platform/db/database.ts'
import type { Provider, Stock } from '../model/provider.ts'
import { ProviderIndex } from '../model/provider-index.ts'
import { compareTraits } from '../model/standard-traits.ts'
import { Watermark } from '../model/watermark.ts'
import { changesAfter, forgetChangesBefore, lastChangeBefore } from './changes.ts'
import { toInventory } from './inventories.ts'
import type { PlacementDb } from './providers.ts'
import type { PlacementSchema, ProviderRow } from './tables.ts'

/** Longer than any transaction: an id that is not there by then never comes. */
const gapPatience = 60_000
/** Entries are kept so long; who has not read for half of that begins anew. */
const retention = 600_000
const chunk = 400
/** An index that is not asked for follows all the same, so that the next question need not wait for it. */
const followMs = 60_000

export class ProviderCache {
  readonly #db: PlacementDb
  #index = new ProviderIndex()
  #mark: Watermark | undefined
  #readAt = 0
  #followed = 0
  #tail: Promise<void> = Promise.resolve()
  #queued: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(database: Database<PlacementSchema>) {
    this.#db = database.db
  }

  /** Reads the index ahead of the first question, and keeps it from growing old without questions. */
  async start(): Promise<void> {
    const follow = () =>
      this.read().then(
        () => undefined,
        () => undefined,
      )
    this.#timer = setInterval(() => void follow(), followMs).unref()
    await follow()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#tail
  }

  /** The providers as of now or later. Do not keep it over an `await`: it changes. */
  async read(): Promise<ProviderIndex> {
    // A refresh that has begun may have looked before the caller's own write; one that has not serves all who wait.
    if (!this.#queued) {
      this.#queued = this.#tail.then(() => {
        this.#queued = undefined
        return this.#refresh()
      })
      this.#tail = this.#queued.catch(() => undefined)
    }
    await this.#queued
    return this.#index
  }

  async #refresh() {
    const now = Date.now()
    if (!this.#mark || now - this.#readAt > retention / 2) await this.#loadAll(now)
    const changes = await changesAfter(this.#db, this.#mark!.low)
    const fresh = new Set(
      this.#mark!.advance(
        changes.map((each) => each.id),
        now,
      ),
    )
    const uuids = [...new Set(changes.filter((each) => fresh.has(each.id)).map((each) => each.provider_uuid))]
    for (let from = 0; from < uuids.length; from += chunk) await this.#load(uuids.slice(from, from + chunk))
    this.#readAt = now
    this.#followed += fresh.size
    if (this.#followed > 10_000) {
      this.#followed = 0
      await forgetChangesBefore(this.#db, now - retention)
    }
  }

  async #loadAll(now: number) {
    // What is still being committed is behind the newest entry of a minute ago at most.
    const low = await lastChangeBefore(this.#db, now - gapPatience)
    const index = new ProviderIndex()
    for (const provider of await loadProviders(this.#db)) index.put(provider)
    this.#index = index
    this.#mark = new Watermark(low, gapPatience)
  }

  async #load(uuids: readonly string[]) {
    const there = await loadProviders(this.#db, uuids)
    const known = new Set(there.map((provider) => provider.uuid))
    for (const uuid of uuids) if (!known.has(uuid)) this.#index.remove(uuid)
    for (const provider of there) this.#index.put(provider)
  }
}

/** Providers with all they have: one query for each table. */
async function loadProviders(db: PlacementDb, uuids?: readonly string[]): Promise<Provider[]> {
  let providers = db.selectFrom('providers').selectAll().orderBy('created_at').orderBy('uuid')
  let inventories = db.selectFrom('inventories').selectAll()
  let usage = db
    .selectFrom('allocations')
    .select(({ fn }) => ['provider_uuid', 'resource_class', fn.sum<number>('used').as('used')])
    .groupBy(['provider_uuid', 'resource_class'])
  let traits = db.selectFrom('provider_traits').selectAll()
  let aggregates = db.selectFrom('provider_aggregates').selectAll()
  if (uuids) {
    providers = providers.where('uuid', 'in', uuids)
    inventories = inventories.where('provider_uuid', 'in', uuids)
    usage = usage.where('provider_uuid', 'in', uuids)
    traits = traits.where('provider_uuid', 'in', uuids)
    aggregates = aggregates.where('provider_uuid', 'in', uuids)
  }
  const made = new Map<string, Draft>()
  for (const row of await providers.execute()) made.set(row.uuid, draftOf(row))
  for (const raw of await inventories.execute()) {
    const { provider_uuid, resource_class: resourceClass, updated_at: _at, ...rule } = toInventory(raw)
    made.get(provider_uuid)?.stock.set(resourceClass, { ...rule, resourceClass, used: 0 })
  }
  for (const row of await usage.execute()) {
    const stock = made.get(row.provider_uuid)?.stock
    const rule = stock?.get(row.resource_class)
    if (rule) stock?.set(row.resource_class, { ...rule, used: Number(row.used) })
  }
  const traitRows = (await traits.execute()).sort((a, b) => compareTraits(a.trait, b.trait))
  for (const row of traitRows) made.get(row.provider_uuid)?.traits.add(row.trait)
  for (const row of await aggregates.execute()) made.get(row.provider_uuid)?.aggregates.add(row.aggregate_uuid)
  return [...made.values()]
}

interface Draft extends Provider {
  stock: Map<string, Stock>
  traits: Set<string>
  aggregates: Set<string>
}

const draftOf = (row: ProviderRow): Draft => ({
  uuid: row.uuid,
  name: row.name,
  generation: Number(row.generation),
  root: row.root_uuid,
  parent: row.parent_uuid,
  updatedAt: Number(row.updated_at),
  stock: new Map(),
  traits: new Set(),
  aggregates: new Set(),
})
