/** A name as a host name: what DNS allows, at most 63 characters. Source: nova/utils.py (sanitize_hostname). */
export function toHostname(name: string, fallback = 'server'): string {
  const clean = name
    .toLowerCase()
    .replace(/[ _.]/g, '-')
    .replace(/[^a-z0-9-]+/g, '')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '')
  return clean === '' ? fallback : clean
}
