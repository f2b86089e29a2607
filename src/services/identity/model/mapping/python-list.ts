/**
 * Several values of one attribute are put into a rule's text as Python prints a list, and read back from there:
 * upstream's language works that way, and mappings in the field rely on it (`"groups": "{0}"`).
 */

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' }

/** `['a', 'b']` as Python's repr writes it. */
export const printList = (values: readonly string[]): string => `[${values.map(printText).join(', ')}]`

function printText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const body = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    // oxlint-disable-next-line no-control-regex -- control characters are exactly what is escaped
    .replace(/[\u0000-\u001f\u007f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return quote + (quote === "'" ? body.replaceAll("'", "\\'") : body) + quote
}

/** The texts of a printed list; a text that is no list of texts stands for itself alone. */
export function readList(text: string): string[] {
  const trimmed = text.trim()
  if (!trimmed.startsWith('[') || !trimmed.endsWith(']')) return [text]
  const found: string[] = []
  // Sticky, one item after the other: time is linear in the text.
  const item = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(,|$)/sy
  const inner = trimmed.slice(1, -1)
  while (item.lastIndex < inner.length) {
    if (inner.slice(item.lastIndex).trim() === '') break
    const match = item.exec(inner)
    if (!match) return [text]
    found.push(readText(match[1] ?? match[2] ?? ''))
  }
  return found
}

const readText = (body: string): string =>
  body.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)/gs, (whole, code: string) =>
    code.length > 1 ? String.fromCodePoint(Number.parseInt(code.slice(1), 16)) : (escapes[code] ?? whole),
  )
