import { reasonOf, type ShownError } from '../../../platform/http/errors.ts'
import type { ApiVersion } from '../../../platform/http/versions.ts'
import { codes } from '../errors.ts'
import { versions } from '../versions.ts'

const explanations: Readonly<Record<number, string>> = {
  400: 'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  403: 'Access was denied to this resource.',
  404: 'The resource could not be found.',
  409: 'There was a conflict when trying to complete your request.',
  413: 'The body of your request was too large for this server.',
  500: 'The server has either erred or is incapable of performing the requested operation.',
  503: 'The server is currently unavailable. Please try again at a later time.',
}

/**
 * An error's `detail`, formed as upstream's: what the status means, then the message as one last line, which is what
 * osc-placement shows.
 */
function detailOf({ status, message }: ShownError): string {
  const explanation = explanations[status]
  const line = message.replaceAll('\n', ' ')
  if (explanation === undefined) return line
  return `${explanation}\n\n ${line === explanation ? '' : line}  `
}

/** Placement's error body, in the API working group's form. */
export const envelope = (error: ShownError, requestId: string, version?: ApiVersion): unknown => ({
  errors: [
    {
      status: error.status,
      title: reasonOf(error.status),
      detail: detailOf(error),
      ...(version?.has('error-codes') && { code: error.code?.startsWith('placement.') ? error.code : codes.default }),
      request_id: requestId,
      // Only a version that cannot be had is refused before there is one: then this tells which can.
      ...(error.status === 406 && !version && { max_version: versions.max, min_version: versions.min }),
    },
  ],
})
