/** Volumes of a server: none, as there is no volume service whose volumes could be attached. */
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { rule } from '../../../../platform/auth/policy.ts'
import { route } from '../route.ts'
import { NotFound } from '../../errors.ts'
import { readerOrAdmin } from '../base-policy.ts'
import { many, nonNegativeInteger, query } from '../parameter-types.ts'
import { findFor } from '../servers/find.ts'

const index = rule(
  'os_compute_api:os-volumes-attachments:index',
  readerOrAdmin,
  'List volumes of a server',
  'GET /servers/{server_id}/os-volume_attachments',
)
const show = rule(
  'os_compute_api:os-volumes-attachments:show',
  readerOrAdmin,
  'Show a volume of a server',
  'GET /servers/{server_id}/os-volume_attachments/{volume_id}',
)
export const volumeAttachmentRules = [index, show]

export const volumeAttachmentRoutes = [
  route({
    method: 'GET',
    path: '/servers/:id/os-volume_attachments',
    policy: index,
    query: query({ limit: many(nonNegativeInteger), offset: many(nonNegativeInteger) }),
    answer: { 200: exactly({ volumeAttachments: Type.Array(Type.Unknown()) }) },
    async handle({ ctx, params }, deps) {
      await findFor(ctx, deps, params.id, index)
      return { status: 200, body: { volumeAttachments: [] } }
    },
  }),
  route({
    method: 'GET',
    path: '/servers/:id/os-volume_attachments/:volume',
    policy: show,
    answer: {},
    async handle({ ctx, params }, deps) {
      const server = await findFor(ctx, deps, params.id, show)
      throw new NotFound(`Instance ${server.id} is not attached to volume ${params.volume}`)
    },
  }),
]
