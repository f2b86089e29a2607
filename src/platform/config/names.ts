/** How the names of options are compared, as oslo.config does it. */

/** `[QUOTAS]` and `[quotas]` are one section; `[DEFAULT]` is written so only. */
export const sectionOf = (section: string): string => (section === 'DEFAULT' ? section : section.toLowerCase())

/** `section/name`; `-` and `_` are one in names. */
export const keyOf = (section: string, name: string): string => `${sectionOf(section)}/${name.replaceAll('-', '_')}`

/** Section and name of a key. */
export const partsOf = (key: string): [section: string, name: string] => {
  const slash = key.lastIndexOf('/')
  return [key.slice(0, slash), key.slice(slash + 1)]
}

export const nameOf = (key: string): string => partsOf(key)[1]

/** A key as people write it. */
export const written = (key: string): string => `[${partsOf(key)[0]}] ${nameOf(key)}`

/** Of `names` the one that is most like `name`, if any is like it: a letter too many, too few or another, or two. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.min(3, Math.ceil(name.length / 4)) + 1
  for (const each of names) {
    const distance = distanceOf(name, each, least)
    if (distance < least) [best, least] = [each, distance]
  }
  return best
}

/** Levenshtein's distance; at least `enough` where it is not less. */
function distanceOf(a: string, b: string, enough: number): number {
  if (Math.abs(a.length - b.length) >= enough) return enough
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    if (Math.min(...next) >= enough) return enough
    row = next
  }
  return row[b.length]!
}
