import { Invalid } from '../../../platform/errors.ts'
import { HttpError } from '../../../platform/http/errors.ts'
import type { ApiDefinition } from '../../../platform/http/service.ts'
import { invalid } from './invalid.ts'
import { envelope } from './envelope.ts'
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
        ? new Invalid(`Invalid microversion: invalid version string: ${text}`)
        : new HttpError(406, `Invalid microversion: Unacceptable version header: ${text}`),
  },
  envelope,
  invalid,
  malformed: (cause) => new Invalid(`Malformed JSON: ${cause instanceof Error ? cause.message : String(cause)}`),
}
