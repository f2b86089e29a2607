/** Makes providers with what they have, through the API, in one call each. */
import { randomUUID } from 'node:crypto'
import type { TestPlacement } from './placement.ts'

export interface ProviderPlan {
  uuid?: string
  name: string
  parent?: string
  /** Class to total, or to an inventory. `max_unit` is the total unless it says otherwise. */
  inventory?: Record<string, number | ({ total: number } & Record<string, number>)>
  traits?: readonly string[]
  aggregates?: readonly string[]
}

/** Makes a provider with its custom classes and traits; gives its uuid. */
export async function addProvider({ must }: Pick<TestPlacement, 'must'>, plan: ProviderPlan): Promise<string> {
  const uuid = plan.uuid ?? randomUUID()
  const base = `/resource_providers/${uuid}`
  await must('POST', '/resource_providers', { uuid, name: plan.name, parent_provider_uuid: plan.parent ?? null })
  let generation = 0
  if (plan.inventory) {
    const custom = Object.keys(plan.inventory).filter((name) => name.startsWith('CUSTOM_'))
    for (const name of custom) await must('PUT', `/resource_classes/${name}`)
    const inventories = Object.fromEntries(
      Object.entries(plan.inventory).map(([name, given]) => {
        const inventory = typeof given === 'number' ? { total: given } : given
        return [name, { max_unit: inventory.total, ...inventory }]
      }),
    )
    await must('PUT', `${base}/inventories`, { resource_provider_generation: generation++, inventories })
  }
  if (plan.traits) {
    for (const trait of plan.traits.filter((name) => name.startsWith('CUSTOM_'))) await must('PUT', `/traits/${trait}`)
    await must('PUT', `${base}/traits`, { resource_provider_generation: generation++, traits: plan.traits })
  }
  if (plan.aggregates) {
    const body = { resource_provider_generation: generation++, aggregates: plan.aggregates }
    await must('PUT', `${base}/aggregates`, body)
  }
  return uuid
}

/** Lets a new consumer take something of a provider; gives the consumer's uuid. */
export async function claim(
  { must }: Pick<TestPlacement, 'must'>,
  provider: string,
  resources: Record<string, number>,
  who: { project?: string; user?: string; consumer?: string; type?: string } = {},
): Promise<string> {
  const consumer = who.consumer ?? randomUUID()
  await must('PUT', `/allocations/${consumer}`, {
    allocations: { [provider]: { resources } },
    project_id: who.project ?? 'fake-project',
    user_id: who.user ?? 'fake-user',
    consumer_generation: null,
    consumer_type: who.type ?? 'INSTANCE',
  })
  return consumer
}
