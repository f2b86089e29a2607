import type { ApiDefinition } from '../../../platform/http/service.ts'
import { invalid } from './invalid.ts'
import { envelope } from './envelope.ts'
import { versions } from '../versions.ts'

/** Nova's HTTP side as data. */
export const definition: ApiDefinition = {
  type: 'compute',
  basePaths: ['/v2.1', '/v2.1/:project_id([0-9a-f]{32}|[0-9a-f-]{36})'],
  microversions: {
    table: versions,
    legacyHeader: 'X-OpenStack-Nova-API-Version',
    form: /^[1-9]\d*\.(0|[1-9]\d*)$/,
  },
  envelope,
  invalid,
  requestIdHeaders: ['x-compute-request-id'],
}
