import { ApiError, BadRequest, reasonOf } from '../../../platform/http/errors.ts'
import type { ApiDefinition } from '../../../platform/http/service.ts'
import { invalid } from './invalid.ts'
import { codes, detailOf } from '../errors.ts'
import { versions } from '../versions.ts'

export const definition: ApiDefinition = {
  type: 'placement',
  basePaths: [''],
  queryForm: 'last',
  microversions: {
    table: versions,
    vary: 'openstack-api-version',
    refuse: (text, why) =>
      why === 'malformed'
        ? new BadRequest(`Invalid microversion: invalid version string: ${text}`)
        : new ApiError(406, `Invalid microversion: Unacceptable version header: ${text}`),
  },
  envelope: (error, requestId, version) => ({
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
  }),
  invalid,
  malformed: (cause) => new BadRequest(`Malformed JSON: ${cause instanceof Error ? cause.message : String(cause)}`),
}
