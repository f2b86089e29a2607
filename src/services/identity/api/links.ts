import type { ApiResponse } from '../../../platform/http/route.ts'

/** An entity with its own address. */
export const withLinks = <T extends { id: string }>(baseUrl: string, plural: string, entity: T) => ({
  ...entity,
  links: { self: `${baseUrl}/v3/${plural}/${entity.id}` },
})

/** A collection as keystone shows it. */
export const collection = (plural: string, items: readonly object[], self: string): ApiResponse => ({
  status: 200,
  body: { links: { next: null, self, previous: null }, [plural]: items },
})
