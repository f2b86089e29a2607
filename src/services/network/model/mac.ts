import { randomBytes } from 'node:crypto'

/** A random MAC under `base` (`base_mac`; its first three bytes stay). Uniqueness is the store's unique key. */
export const generateMac = (base = 'fa:16:3e'): string =>
  [base, ...(randomBytes(3).toString('hex').match(/../g) ?? [])].join(':')

/** As people and programs write it: with colons, with hyphens, in two or three groups, without anything between. */
const forms = [
  /^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i,
  /^[0-9a-f]{1,2}(-[0-9a-f]{1,2}){5}$/i,
  /^[0-9a-f]{1,4}([.:-][0-9a-f]{1,4}){2}$/i,
  /^[0-9a-f]{5,6}[:-][0-9a-f]{5,6}$/i,
  /^[0-9a-f]{11,12}$/i,
]
const nobody = ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff']

/** The one form that is kept, `aa:bb:cc:dd:ee:ff`; undefined for what is no host's. */
export function canonicalMacOf(text: string): string | undefined {
  if (!forms.some((form) => form.test(text))) return undefined
  const groups = text.split(/[.:-]/)
  const digits = groups.map((group) => group.padStart(12 / groups.length, '0')).join('')
  const mac = (digits.toLowerCase().match(/../g) ?? []).join(':')
  return nobody.includes(mac) ? undefined : mac
}

/** Addressed to a group of hosts: nobody's own. */
export const isMulticastMac = (mac: string): boolean => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1
