/** Lists of who may read and write a container: users, projects and roles, and pages that may link to it. */

const referrers = ['.r', '.ref', '.referer', '.referrer']

/** An access list in its short form, or what is wrong with it. */
export function cleanAcl(header: string, text: string): { acl: string; problem?: string } {
  const values: string[] = []
  for (const raw of text.split(',').map((each) => each.trim())) {
    if (raw === '') continue
    const at = raw.indexOf(':')
    const first = raw.slice(0, Math.max(at, 0)).trim()
    if (at < 0 || !first.startsWith('.')) {
      values.push(raw)
      continue
    }
    if (!referrers.includes(first)) return { acl: '', problem: `Unknown designator '${first}' in ACL: '${raw}'` }
    if (header.includes('write')) return { acl: '', problem: `Referrers not allowed in write ACL: '${raw}'` }
    const second = raw.slice(at + 1).trim()
    const isDenied = second.startsWith('-')
    const host = (isDenied ? second.slice(1).trim() : second).replace(/^\*\s*(?=.)/, '')
    if (host === '' || host === '.')
      return { acl: '', problem: `No host/domain value after referrer designation in ACL: '${raw}'` }
    values.push(`.r:${isDenied ? '-' : ''}${host}`)
  }
  return { acl: values.join(',') }
}

export interface Acl {
  readonly referrers: readonly string[]
  readonly groups: readonly string[]
}

export function parseAcl(text: string | undefined): Acl {
  const values = text ? text.split(',') : []
  const isReferrer = (value: string) => value.startsWith('.r:')
  return {
    referrers: values.filter(isReferrer).map((value) => value.slice(3)),
    groups: values.filter((value) => !isReferrer(value)).map(unquote),
  }
}

const unquote = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Whether the page that a request comes from may link here; the last that fits counts. */
export function isReferrerAllowed(referrer: string | undefined, allowed: readonly string[]): boolean {
  const host = (referrer !== undefined && URL.canParse(referrer) && new URL(referrer).hostname) || 'unknown'
  let isAllowed = false
  for (const each of allowed) {
    const isDenial = each.startsWith('-')
    const pattern = isDenial ? each.slice(1) : each
    const fits =
      pattern === host || (pattern.startsWith('.') && host.endsWith(pattern)) || (!isDenial && pattern === '*')
    if (fits) isAllowed = !isDenial
  }
  return isAllowed
}
