import { randomBytes } from 'node:crypto'

/** A random MAC under `base` (`base_mac`; its first three bytes stay). Uniqueness is the store's unique key. */
export const generateMac = (base = 'fa:16:3e'): string =>
  [base, ...(randomBytes(3).toString('hex').match(/../g) ?? [])].join(':')
