/** An entity with its own address. */
export const withLinks = <T extends { id: string }>(baseUrl: string, plural: string, entity: T) => ({
  ...entity,
  links: { self: `${baseUrl}/v3/${plural}/${entity.id}` },
})

/** The answer to a list. */
export interface Collection {
  status: 200
  body: Record<string, unknown>
}

/** A collection as keystone shows it. */
export const collection = (plural: string, items: readonly object[], self: string): Collection => ({
  status: 200,
  body: { links: { next: null, self, previous: null }, [plural]: items },
})
