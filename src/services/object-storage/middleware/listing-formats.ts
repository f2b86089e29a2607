/** Listings as text, JSON or XML: servers give JSON, clients get what they ask for. */
import { splitApiPath } from '../model/names.ts'
import { answer } from '../wire/answers.ts'
import { formatOf, render, type ListingEntry } from '../wire/listing.ts'
import type { Request, Response } from '../wire/message.ts'
import type { Middleware } from './middleware.ts'

export const listingFormats: Middleware = {
  wrap(next) {
    return async (request) => {
      const { method } = request
      const place = method === 'GET' || method === 'HEAD' ? splitApiPath(request.path) : undefined
      if (!place || place.object !== undefined || request.path.split('/').length > 5) return next(request)
      const format = formatOf(request)
      if (!format) return answer(406)
      const query = new Map([...request.query, ['format', 'json']])
      const response = await next({ ...request, query })
      const isListing = response.status === 200 || response.status === 204
      if (!isListing || !response.headers['content-type']?.startsWith('application/json')) return response
      if (method === 'HEAD') return shownAs(request, format, response)
      const [kind, name] =
        place.container === undefined ? ['account' as const, place.account] : ['container' as const, place.container]
      const body = render(format, kind, name, await entriesOf(response))
      return shownAs(request, format, { ...response, status: body === '' ? 204 : 200, body })
    }
  },
}

function shownAs({ method }: Request, format: string, response: Response): Response {
  const { 'content-length': _length, ...headers } = response.headers
  const typed = { ...headers, 'content-type': `${format}; charset=utf-8`, vary: 'Accept' }
  return { ...response, headers: typed, body: method === 'HEAD' ? undefined : response.body }
}

/** The bodies of listings are whole texts. */
async function entriesOf({ body }: Response): Promise<ListingEntry[]> {
  const text = typeof body === 'string' ? body : body instanceof Uint8Array ? Buffer.from(body).toString() : ''
  return text === '' ? [] : (JSON.parse(text) as ListingEntry[])
}
