/** `/ports/{id}/bindings`: where a server's port is and may move to. */
import type { Context } from '../../../../platform/auth/context.ts'
import type { Shown } from '../../../../platform/http/answers.ts'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { NetworkDeps } from '../../deps.ts'
import {
  activate,
  addBinding,
  bindingOn,
  bindingsOf,
  changeBinding,
  removeBinding,
  type BindingInput,
  type PortBinding,
} from '../../operations/bindings.ts'
import { policy } from '../../policies.ts'
import type { NetworkDb, Row } from '../../store/rows.ts'
import { visible } from '../kit/seen.ts'
import { listAnswer, showAnswer } from '../kit/answers.ts'
import { page, pick, requireKnown, type View } from '../kit/listing.ts'
import { closed } from '../kit/schema.ts'
import { bindingAnswer, createBinding, updateBinding } from './schema.ts'
import { ports } from './view.ts'

const shown = (binding: PortBinding): Shown<typeof bindingAnswer> => ({
  host: binding.host,
  vif_type: binding.vif_type,
  vif_details: binding.vif_type === 'bridge' ? { port_filter: true, connectivity: 'l2' } : {},
  vnic_type: binding.vnic_type,
  profile: JSON.parse(binding.profile) as Record<string, unknown>,
  status: binding.status,
})

/** Bindings are told apart by their host; `id` is for the listing only. */
const listed = (binding: PortBinding): View => ({ id: binding.host, ...shown(binding) })

type Asking = Pick<ApiRequest<unknown, { id: string }>, 'ctx' | 'params'>

const write = <T>(
  { ctx, params: { id } }: Asking,
  deps: NetworkDeps,
  rule: string,
  work: (tx: NetworkDb, port: Row<'ports'>) => Promise<T>,
): Promise<T> =>
  deps.change(async (tx) => {
    const { row } = await allowed(ctx, tx, id, rule)
    return work(tx, row)
  })

async function allowed(ctx: Context, db: NetworkDb, id: string, rule: string) {
  const found = await visible(ports, ctx, db, id)
  ctx.authorize(policy(rule), found.target)
  return found
}

const list = route({
  method: 'GET',
  path: '/ports/:id/bindings',
  policy: policy('get_port_binding'),
  answer: listAnswer('bindings', bindingAnswer),
  async handle(request, { database: { db } }) {
    requireKnown(request.query, ['host', 'vif_type', 'vnic_type', 'status'])
    const { row } = await allowed(request.ctx, db, request.params.id, 'get_port_binding')
    const answer = page('bindings', (await bindingsOf(db, row)).map(listed), request, 'host')
    const { bindings, ...rest } = answer.body as { bindings: View[] }
    return { ...answer, body: { bindings: bindings.map(({ id: _id, ...each }) => each), ...rest } }
  },
})

const show = route({
  method: 'GET',
  path: '/ports/:id/bindings/:host',
  policy: policy('get_port_binding'),
  answer: showAnswer('binding', bindingAnswer),
  async handle({ ctx, params, query }, { database: { db } }) {
    const { row } = await allowed(ctx, db, params.id, 'get_port_binding')
    return { status: 200, body: { binding: pick(shown(await bindingOn(db, row, params.host)), query) } }
  },
})

const create = route({
  method: 'POST',
  path: '/ports/:id/bindings',
  policy: policy('create_port_binding'),
  body: closed({ binding: createBinding }),
  answer: { 201: closed({ binding: bindingAnswer }) },
  async handle(request, deps) {
    const input = request.body.binding as BindingInput & { host: string }
    const made = await write(request, deps, 'create_port_binding', (tx, port) => addBinding(tx, deps, port, input))
    return { status: 201, body: { binding: shown(made) } }
  },
})

const update = route({
  method: 'PUT',
  path: '/ports/:id/bindings/:host',
  policy: policy('update_port_binding'),
  body: closed({ binding: updateBinding }),
  answer: { 200: closed({ binding: bindingAnswer }) },
  async handle(request, deps) {
    const input = request.body.binding as BindingInput
    const changed = await write(request, deps, 'update_port_binding', (tx, port) =>
      changeBinding(tx, port, request.params.host, input),
    )
    return { status: 200, body: { binding: shown(changed) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/ports/:id/bindings/:host',
  policy: policy('delete_port_binding'),
  answer: { 204: null },
  async handle(request, deps) {
    await write(request, deps, 'delete_port_binding', (tx, port) => removeBinding(tx, port, request.params.host))
    return { status: 204 }
  },
})

const makeActive = route({
  method: 'PUT',
  path: '/ports/:id/bindings/:host/activate',
  policy: policy('activate'),
  answer: { 200: closed({ binding: bindingAnswer }) },
  async handle(request, deps) {
    const binding = await write(request, deps, 'activate', (tx, port) => activate(tx, deps, port, request.params.host))
    return { status: 200, body: { binding: shown(binding) } }
  },
})

export const bindingRoutes = [list, show, create, update, remove, makeActive]
