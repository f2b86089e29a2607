import { RemoteError, ServiceClient } from '../../../platform/http/client.ts'
import type { Candidate, PlacementApi } from '../deps.ts'

interface CandidatesBody {
  allocation_requests: { allocations: Record<string, { resources: Record<string, number> }> }[]
  provider_summaries: Record<string, { resources: Record<string, { capacity: number; used: number }> }>
}

const conflictTries = 10
const serverConsumer = 'INSTANCE'

/** Placement's API as nova uses it; the client asks for microversion 1.39. */
export function placementApi(client: ServiceClient): PlacementApi {
  const providerPath = (id: string) => `/resource_providers/${id}`
  const generationOf = async (id: string): Promise<number> => {
    const { body } = await client.request({ method: 'GET', path: providerPath(id) })
    return (body as { generation: number }).generation
  }
  /** Writes with the provider's generation; another writer in between costs another round. */
  const put = async (id: string, part: string, next: () => Promise<object>) => {
    for (let round = 1; ; round++) {
      const json = { resource_provider_generation: await generationOf(id), ...(await next()) }
      const answer = await client.request({ method: 'PUT', path: `${providerPath(id)}/${part}`, json, accept: [409] })
      if (answer.status !== 409) return
      if (round === conflictTries) throw new RemoteError(`placement PUT ${part}`, answer)
    }
  }
  return {
    async allocationCandidates({ resources, required, forbidden = [], limit }) {
      const query = new URLSearchParams({
        resources: Object.entries(resources)
          .map(([name, amount]) => `${name}:${amount}`)
          .join(','),
        limit: String(limit),
      })
      const traits = [...required, ...forbidden.map((trait) => `!${trait}`)]
      if (traits.length > 0) query.set('required', traits.join(','))
      const answer = await client.request({ method: 'GET', path: `/allocation_candidates?${query}` })
      return toCandidates(answer.body as CandidatesBody)
    },
    async claim({ id, projectId, userId }, { providerId, resources }) {
      const json = {
        allocations: { [providerId]: { resources } },
        project_id: projectId,
        user_id: userId,
        consumer_type: serverConsumer,
        consumer_generation: null,
      }
      const answer = await client.request({ method: 'PUT', path: `/allocations/${id}`, json, accept: [409] })
      return answer.status !== 409
    },
    async getAllocations(consumerId) {
      const { body } = await client.request({ method: 'GET', path: `/allocations/${consumerId}` })
      return Object.keys((body as { allocations: object }).allocations).map((providerId) => ({ providerId }))
    },
    async deleteAllocations(consumerId) {
      await client.request({ method: 'DELETE', path: `/allocations/${consumerId}`, accept: [404] })
    },
    async isServer(consumerId) {
      const { body } = await client.request({ method: 'GET', path: `/allocations/${consumerId}` })
      return (body as { consumer_type?: string }).consumer_type === serverConsumer
    },
    async consumersOf(providerId) {
      const { status, body } = await client.request({
        method: 'GET',
        path: `${providerPath(providerId)}/allocations`,
        accept: [404],
      })
      return status === 404 ? [] : Object.keys((body as { allocations: object }).allocations)
    },
    async ensureProvider({ id, name }) {
      const known = await client.request({ method: 'GET', path: providerPath(id), accept: [404] })
      if (known.status === 404) {
        const json = { uuid: id, name }
        const made = await client.request({ method: 'POST', path: '/resource_providers', json, accept: [409] })
        if (made.status !== 409) return id
        const path = `/resource_providers?${new URLSearchParams({ name })}`
        const { body } = await client.request({ method: 'GET', path })
        const [named] = (body as { resource_providers: { uuid: string }[] }).resource_providers
        if (!named) throw new RemoteError('placement POST /resource_providers', made)
        return named.uuid
      }
      if ((known.body as { name: string }).name !== name)
        await client.request({ method: 'PUT', path: providerPath(id), json: { name } })
      return id
    },
    setInventory: (id, inventories) => put(id, 'inventories', async () => ({ inventories })),
    async changeTraits(id, { add, remove }) {
      for (const trait of add.filter((each) => each.startsWith('CUSTOM_'))) {
        await client.request({ method: 'PUT', path: `/traits/${trait}` })
      }
      await put(id, 'traits', async () => {
        const { body } = await client.request({ method: 'GET', path: `${providerPath(id)}/traits` })
        const kept = (body as { traits: string[] }).traits.filter((trait) => !remove.includes(trait))
        return { traits: [...new Set([...kept, ...add])] }
      })
    },
    async knows(kind, name) {
      const path = `/${kind}/${name}`
      return (await client.request({ method: 'GET', path, accept: [404] })).status !== 404
    },
    async deleteProvider(id) {
      await client.request({ method: 'DELETE', path: providerPath(id), accept: [404] })
    },
  }
}

const toCandidates = (body: CandidatesBody): Candidate[] =>
  body.allocation_requests.flatMap(({ allocations }) => {
    const entries = Object.entries(allocations)
    // Several providers would be sharing or nested ones, which this cloud does not make.
    if (entries.length !== 1) return []
    const [providerId, { resources }] = entries[0]!
    return [{ providerId, resources, summary: body.provider_summaries[providerId]?.resources ?? {} }]
  })
