import type { ApiRequest } from '../../../platform/http/route.ts'

/** `self` and `bookmark` of a resource. */
export const linksOf = (baseUrl: string, kind: string, id: string) => [
  { rel: 'self', href: `${baseUrl}/v2.1/${kind}/${id}` },
  { rel: 'bookmark', href: `${baseUrl}/${kind}/${id}` },
]

/** The link to the page after `marker`. */
export function nextLink({ baseUrl, url }: Pick<ApiRequest, 'baseUrl' | 'url'>, marker: string) {
  const next = new URL(url, 'http://x')
  next.searchParams.set('marker', marker)
  return { rel: 'next', href: `${baseUrl}${next.pathname}${next.search}` }
}

/** Milliseconds as nova prints times in most places: `2024-01-31T10:20:30Z`. */
export const toTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** As in its older extensions: with microseconds and without a zone. */
export const toOldTime = (ms: number | null): string | null =>
  ms === null ? null : `${new Date(ms).toISOString().slice(0, 23)}000`

/** True for the words that oslo takes for true. */
export const isTrue = (value: unknown): boolean => /^(1|t|true|on|y|yes)$/i.test(String(value))
