import { Invalid } from '../../../platform/errors.ts'
import { reasonOf } from '../../../platform/http/errors.ts'
import type { ApiDefinition } from '../../../platform/http/service.ts'

/** Without the name that wraps an entity; a list of entities keeps it. */
const fieldOf = (path: readonly string[]): string =>
  (/^\d+$/.test(path[1] ?? '') ? path : path.slice(1)).join('/') || path[0]!

export const definition: ApiDefinition = {
  type: 'identity',
  basePaths: ['/v3'],
  envelope: ({ status, message }) => ({ error: { code: status, message, title: reasonOf(status) } }),
  invalid: ({ path, message }) =>
    new Invalid(path.length === 0 ? message : `Invalid input for field '${fieldOf(path)}': ${message}`),
}
