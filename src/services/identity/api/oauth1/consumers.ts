import { randomBytes } from 'node:crypto'
import { Invalid } from '../../../../platform/errors.ts'
import { route } from '../route.ts'
import { requireConsumer } from '../../operations/oauth1.ts'
import { policy } from '../../policies.ts'
import { removeConsumer, type Consumer } from '../../store/oauth1.ts'
import { insertRow, listRows, updateRow } from '../../store/rows.ts'
import { collection } from '../links.ts'
import type { Input } from '../../../../platform/api/resource.ts'
import { newId } from '../../store/new-rows.ts'
import { extraOf, extras } from '../kit/extra.ts'
import { createConsumerBody, updateConsumerBody } from './schema.ts'
import { listAnswer, nullableText, oneOf, open, self, text, withFields } from '../answers.ts'

const path = '/OS-OAUTH1/consumers'
const known = ['description', 'secret']

const consumerAnswer = open({ id: text, description: nullableText, links: self })

/** The secret is shown once, when the consumer is made. */
const view = (row: Consumer, baseUrl: string) => ({
  ...extras(row),
  id: row.id,
  description: row.description,
  links: { self: `${baseUrl}/v3${path}/${row.id}` },
})

const list = route({
  method: 'GET',
  path,
  policy: policy('list_consumers'),
  answer: listAnswer('consumers', consumerAnswer),
  async handle({ ctx, baseUrl, url }, { database }) {
    ctx.authorize(policy('list_consumers'))
    const rows = await listRows(database.db, 'consumers')
    return collection(
      'consumers',
      rows.map((row) => view(row, baseUrl)),
      baseUrl + url,
    )
  },
})

const show = route({
  method: 'GET',
  path: `${path}/:id`,
  policy: policy('get_consumer'),
  answer: { 200: oneOf('consumer', consumerAnswer) },
  async handle({ ctx, params, baseUrl }, deps) {
    ctx.authorize(policy('get_consumer'))
    return { status: 200, body: { consumer: view(await requireConsumer(deps, params.id), baseUrl) } }
  },
})

const create = route({
  method: 'POST',
  path,
  policy: policy('create_consumer'),
  body: createConsumerBody,
  answer: { 201: oneOf('consumer', withFields(consumerAnswer, { secret: text })) },
  async handle({ ctx, body, baseUrl }, { database }) {
    ctx.authorize(policy('create_consumer'))
    const input: Input = body.consumer
    const secret = randomBytes(16).toString('hex')
    const row = { id: newId(), secret, description: body.consumer.description ?? null, extra: extraOf(input, known) }
    await insertRow(database.db, 'consumers', row)
    return { status: 201, body: { consumer: { ...view(row, baseUrl), secret } } }
  },
})

const update = route({
  method: 'PATCH',
  path: `${path}/:id`,
  policy: policy('update_consumer'),
  body: updateConsumerBody,
  answer: { 200: oneOf('consumer', consumerAnswer) },
  async handle({ ctx, params, body, baseUrl }, deps) {
    ctx.authorize(policy('update_consumer'))
    const row = await requireConsumer(deps, params.id)
    const input: Input = body.consumer
    if (input['secret'] !== undefined) throw new Invalid('Cannot update Consumer secret')
    if (input['id'] !== undefined && input['id'] !== row.id) throw new Invalid('Cannot change consumer ID')
    const changes = {
      ...(body.consumer.description !== undefined && { description: body.consumer.description }),
      extra: extraOf(input, known, row.extra),
    }
    await updateRow(deps.database.db, 'consumers', row.id, changes)
    return { status: 200, body: { consumer: view({ ...row, ...changes }, baseUrl) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: `${path}/:id`,
  policy: policy('delete_consumer'),
  answer: { 204: null },
  async handle({ ctx, params }, deps) {
    ctx.authorize(policy('delete_consumer'))
    const row = await requireConsumer(deps, params.id)
    await deps.database.transaction((tx) => removeConsumer(tx, row.id))
    deps.changed()
    return { status: 204 }
  },
})

export const consumerRoutes = [list, show, create, update, remove]
