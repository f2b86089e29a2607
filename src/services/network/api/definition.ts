import { reasonOf } from '../../../platform/http/errors.ts'
import type { ApiDefinition } from '../../../platform/http/service.ts'
import { invalid } from './kit/invalid.ts'

/** Upstream's exception name. A refusal by policy has the rule's name for the log; clients know one exception for all. */
const typeOf = (status: number, code: string | undefined): string =>
  status === 403 ? 'PolicyNotAuthorized' : (code ?? `HTTP${reasonOf(status).replaceAll(' ', '')}`)

export const definition: ApiDefinition = {
  type: 'network',
  basePaths: ['/v2.0'],
  envelope: ({ status, message, code }) => ({ NeutronError: { type: typeOf(status, code), message, detail: '' } }),
  invalid,
}
