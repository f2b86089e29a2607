/** Listings of accounts and containers as text, JSON and XML. */
import type { Request } from './message.ts'

export type ListingEntry = Readonly<Record<string, string | number>>

export type ListingFormat = 'text/plain' | 'application/json' | 'application/xml'

/** The media types that lists come in; those that are asked for by `format`, which goes before `Accept`. */
const byParameter: Readonly<Record<string, ListingFormat>> = {
  plain: 'text/plain',
  json: 'application/json',
  xml: 'application/xml',
}

/** The format that is asked for; undefined where only others are acceptable. */
export function formatOf({ query, headers }: Request): ListingFormat | undefined {
  const named = query.get('format')
  if (named !== undefined) return byParameter[named.toLowerCase()] ?? 'text/plain'
  return accepted(headers['accept'])
}

function accepted(header: string | undefined): ListingFormat | undefined {
  if (header === undefined || header.trim() === '') return 'text/plain'
  const offered: [string, ListingFormat][] = [
    ['text/plain', 'text/plain'],
    ['application/json', 'application/json'],
    ['application/xml', 'application/xml'],
    ['text/xml', 'application/xml'],
  ]
  const ranges = header.split(',').map((text) => {
    const [range = '', ...parameters] = text
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/)
    const quality = parameters.find((each) => each.startsWith('q='))?.slice(2)
    return { range, quality: quality === undefined ? 1 : Number(quality) || 0 }
  })
  const qualityOf = (type: string): number => {
    const fits = ({ range }: { range: string }) =>
      range === type || range === '*/*' || range === '*' || range === `${type.split('/')[0]}/*`
    const exactFirst = ranges.filter(fits).sort((a, b) => Number(b.range === type) - Number(a.range === type))
    return exactFirst[0]?.quality ?? 0
  }
  let best: ListingFormat | undefined
  let highest = 0
  for (const [type, format] of offered) if (qualityOf(type) > highest) [best, highest] = [format, qualityOf(type)]
  return best
}

const nameOf = (entry: ListingEntry): string => String(entry['subdir'] ?? entry['name'])

const toText = (entries: readonly ListingEntry[]): string => entries.map((entry) => `${nameOf(entry)}\n`).join('')

const escaped: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}
const xml = (value: string | number): string => String(value).replaceAll(/[&<>"']/g, (char) => escaped[char]!)

const element = (name: string, fields: readonly string[], entry: ListingEntry): string =>
  `<${name}>${fields.map((field) => `<${field}>${xml(entry[field] ?? '')}</${field}>`).join('')}</${name}>`

const subdir = (entry: ListingEntry): string =>
  `<subdir name="${xml(nameOf(entry))}"><name>${xml(nameOf(entry))}</name></subdir>`

function toXml(kind: 'account' | 'container', name: string, entries: readonly ListingEntry[]): string {
  const [child, fields] =
    kind === 'account'
      ? (['container', ['name', 'count', 'bytes', 'last_modified']] as const)
      : (['object', ['name', 'hash', 'bytes', 'content_type', 'last_modified']] as const)
  const children = entries.map((entry) => ('subdir' in entry ? subdir(entry) : element(child, fields, entry)))
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${kind} name="${xml(name)}">${children.join('')}</${kind}>`
}

/** The body of a listing. */
export function render(
  format: ListingFormat,
  kind: 'account' | 'container',
  name: string,
  entries: readonly ListingEntry[],
): string {
  if (format === 'application/json') return asciiJson(entries)
  return format === 'application/xml' ? toXml(kind, name, entries) : toText(entries)
}

/** JSON in ASCII, as upstream writes it. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
