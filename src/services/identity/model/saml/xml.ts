/**
 * Writes XML that is its own exclusive canonical form (attributes in order, no empty tags, fixed escapes), so that
 * what is sent is, byte for byte, what was signed. Source: the W3C's Exclusive XML Canonicalization.
 */

/** XML that is ready to stand in a document. */
export type Xml = string & { readonly isXml: unique symbol }

const asXml = (text: string) => text as Xml

/** Characters that XML cannot hold become the replacement character. */
const clean = (text: string): string =>
  text
    .toWellFormed()
    // oxlint-disable-next-line no-control-regex -- these characters are exactly what XML forbids
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')

export const text = (value: string): Xml =>
  asXml(clean(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#xD;'))

const attributeValue = (value: string): string =>
  clean(value)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\t', '&#x9;')
    .replaceAll('\n', '&#xA;')
    .replaceAll('\r', '&#xD;')

/** An element. Names and prefixes come from code; declarations stand before attributes, both in order. */
export function element(name: string, attributes: Readonly<Record<string, string>>, ...children: readonly Xml[]): Xml {
  const rank = (key: string) => (key === 'xmlns' ? 0 : key.startsWith('xmlns:') ? 1 : key.includes(':') ? 3 : 2)
  const written = Object.entries(attributes)
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([key, value]) => ` ${key}="${attributeValue(value)}"`)
  return asXml(`<${name}${written.join('')}>${children.join('')}</${name}>`)
}

export const join = (...parts: readonly Xml[]): Xml => asXml(parts.join(''))
export const document = (root: Xml): string => `<?xml version="1.0" encoding="UTF-8"?>\n${root}`
