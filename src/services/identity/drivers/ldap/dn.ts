/** Distinguished names, as far as this driver needs them. Source: RFC 4514. */

/** The parts of a DN, innermost first, with escapes resolved and spaces around separators removed. */
export function parseDn(dn: string): { attribute: string; value: string }[] {
  return split(dn, ',').map((part) => {
    const first = split(part, '+')[0] ?? ''
    const at = first.indexOf('=')
    return { attribute: first.slice(0, at).trim().toLowerCase(), value: unescape(trimValue(first.slice(at + 1))) }
  })
}

/** True when `dn` is `tree` or below it; compared without case. */
export function isBelow(dn: string, tree: string): boolean {
  const [parts, root] = [parseDn(dn), parseDn(tree)]
  if (root.length > parts.length) return false
  const tail = parts.slice(parts.length - root.length)
  return tail.every((part, at) => {
    const other = root[at]!
    return part.attribute === other.attribute && part.value.toLowerCase() === other.value.toLowerCase()
  })
}

export const escapeDnValue = (value: string): string =>
  value
    .replace(/[\\,+"<>;=#]/g, (sign) => `\\${sign}`)
    .replace(/^ | $/g, '\\ ')
    .replaceAll('\0', '\\00')

/** Spaces at the ends go, unless they are escaped. */
const trimValue = (text: string): string => text.trimStart().replace(/(?<!\\) +$/, '')

function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === separator) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...parts, text.slice(start)]
}

function unescape(value: string): string {
  const bytes: number[] = []
  for (let at = 0; at < value.length; at++) {
    const hex = value[at] === '\\' ? /^[0-9a-fA-F]{2}/.exec(value.slice(at + 1, at + 3))?.[0] : undefined
    if (hex !== undefined) {
      bytes.push(Number.parseInt(hex, 16))
      at += 2
    } else {
      if (value[at] === '\\') at++
      bytes.push(...Buffer.from(value[at] ?? ''))
    }
  }
  return Buffer.from(bytes).toString('utf8')
}
