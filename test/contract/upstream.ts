/** What upstream's OpenAPI documents say of an API, as tools/api-digest.ts has written it down. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../../tools/api/digest.ts'

/** By the service's type. */
export const readDigest = (type: string): Digest =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'upstream', `${type}.json`), 'utf8')) as Digest
