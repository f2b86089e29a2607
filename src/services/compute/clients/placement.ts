import type { ServiceClient } from '../../../platform/http/client.ts'
import { PlacementClient, type Candidates } from '../../placement/client.ts'
import type { Candidate, PlacementApi } from '../deps.ts'

const conflictTries = 10
const serverConsumer = 'INSTANCE'

/** Placement's API as nova uses it; the client asks for microversion 1.39. */
export function placementApi(client: ServiceClient): PlacementApi {
  const placement = new PlacementClient(client)
  /** Writes with the provider's generation; another writer in between costs another round. */
  const write = async (id: string, put: (generation: { resource_provider_generation: number }) => Promise<boolean>) => {
    for (let round = 1; round <= conflictTries; round++) {
      const found = await placement.findProvider(id)
      if (!found) throw new Error(`placement has no provider ${id}`)
      if (await put({ resource_provider_generation: found.generation })) return
    }
    throw new Error(`provider ${id} is changed by others all the time`)
  }
  return {
    async allocationCandidates({ resources, required, forbidden = [], limit }) {
      const traits = [...required, ...forbidden.map((trait) => `!${trait}`)]
      const found = await placement.listCandidates({
        resources: Object.entries(resources)
          .map(([name, amount]) => `${name}:${amount}`)
          .join(','),
        limit: String(limit),
        ...(traits.length > 0 && { required: traits.join(',') }),
      })
      return toCandidates(found)
    },
    claim: ({ id, projectId, userId }, { providerId, resources }) =>
      placement.allocate(id, {
        allocations: { [providerId]: { resources } },
        project_id: projectId,
        user_id: userId,
        consumer_type: serverConsumer,
        consumer_generation: null,
      }),
    async getAllocations(consumerId) {
      const { allocations } = await placement.allocationsOf(consumerId)
      return Object.keys(allocations).map((providerId) => ({ providerId }))
    },
    deleteAllocations: (consumerId) => placement.deleteAllocations(consumerId),
    isServer: async (consumerId) => (await placement.allocationsOf(consumerId)).consumer_type === serverConsumer,
    consumersOf: async (providerId) => Object.keys((await placement.consumersOf(providerId))?.allocations ?? {}),
    async ensureProvider({ id, name }) {
      const known = await placement.findProvider(id)
      if (known) {
        if (known.name !== name) await placement.renameProvider(id, name)
        return id
      }
      if (await placement.createProvider({ uuid: id, name })) return id
      const [named] = await placement.listProviders({ name })
      if (!named) throw new Error(`placement refuses provider ${id} and has no other one named ${name}`)
      return named.uuid
    },
    setInventory: (id, inventories) =>
      write(id, (generation) => placement.replaceInventories(id, { ...generation, inventories })),
    async changeTraits(id, { add, remove }) {
      for (const trait of add.filter((each) => each.startsWith('CUSTOM_'))) await placement.ensureTrait(trait)
      await write(id, async (generation) => {
        const kept = (await placement.traitsOf(id)).traits.filter((trait) => !remove.includes(trait))
        return placement.replaceTraits(id, { ...generation, traits: [...new Set([...kept, ...add])] })
      })
    },
    knows: (kind, name) => placement.has(kind, name),
    deleteProvider: (id) => placement.deleteProvider(id),
  }
}

const toCandidates = ({ allocation_requests, provider_summaries }: Candidates): Candidate[] =>
  allocation_requests.flatMap(({ allocations }) => {
    const entries = Object.entries(allocations)
    // Several providers would be sharing or nested ones, which this cloud does not make.
    if (entries.length !== 1) return []
    const [providerId, { resources }] = entries[0]!
    return [{ providerId, resources, summary: provider_summaries[providerId]?.resources ?? {} }]
  })
