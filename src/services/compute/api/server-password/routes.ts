import { exactly } from '../../../../platform/http/answers.ts'
import { rule } from '../../../../platform/auth/policy.ts'
import { route } from '../route.ts'
import { clearGuestPassword, getGuestPassword } from '../../operations/server-metadata.ts'
import { text } from '../answers.ts'
import { memberOrAdmin, readerOrAdmin } from '../base-policy.ts'
import { findFor } from '../servers/find.ts'

const show = rule(
  'os_compute_api:os-server-password:show',
  readerOrAdmin,
  'Show the encrypted administrative password of a server',
  'GET /servers/{server_id}/os-server-password',
)
const clear = rule(
  'os_compute_api:os-server-password:clear',
  memberOrAdmin,
  'Clear the encrypted administrative password of a server',
  'DELETE /servers/{server_id}/os-server-password',
)
export const serverPasswordRules = [show, clear]

export const serverPasswordRoutes = [
  route({
    method: 'GET',
    path: '/servers/:id/os-server-password',
    policy: show,
    answer: { 200: exactly({ password: text }) },
    async handle({ ctx, params }, deps) {
      const { id } = await findFor(ctx, deps, params.id, show)
      return { status: 200, body: { password: await getGuestPassword(deps, id) } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/servers/:id/os-server-password',
    policy: clear,
    answer: { 204: null },
    async handle({ ctx, params }, deps) {
      const { id } = await findFor(ctx, deps, params.id, clear)
      await clearGuestPassword(deps, id)
      return { status: 204 }
    },
  }),
]
