/** `/default-security-group-rules`: what a new group begins with. */
import { route } from '../route.ts'
import { Type } from 'typebox'
import type { Shown } from '../../../../platform/http/answers.ts'
import { notFound } from '../../errors.ts'
import { readRule } from '../../model/security-rule.ts'
import { insertDefaultRule } from '../../operations/security-groups.ts'
import { policy } from '../../policies.ts'
import { deleteRows, findRow, listRows, type Row } from '../../store/rows.ts'
import { listAnswer, madeAnswer, showAnswer } from '../kit/answers.ts'
import { page, pick, requireKnown } from '../kit/listing.ts'
import { itemsOf, oneOrMany } from '../kit/bulk.ts'
import { closed, kinds } from '../kit/schema.ts'
import { ruleAttributes } from './rule-schema.ts'
import { defaultRuleAnswer } from './schema.ts'

const view = (row: Row<'default_rules'>): Shown<typeof defaultRuleAnswer> => ({
  ...row,
  used_in_default_sg: row.used_in_default_sg === 1,
  used_in_non_default_sg: row.used_in_non_default_sg === 1,
})

const filters = [
  'id',
  'description',
  'remote_group_id',
  'remote_address_group_id',
  'direction',
  'protocol',
  'port_range_min',
  'port_range_max',
  'ethertype',
  'remote_ip_prefix',
  'used_in_default_sg',
  'used_in_non_default_sg',
]
const ruleNotFound = (id: string) =>
  notFound('DefaultSecurityGroupRuleNotFound', `Default Security Group rule ${id} does not exist`)

const read = policy('get_default_security_group_rule')

const list = route({
  method: 'GET',
  path: '/default-security-group-rules',
  policy: read,
  answer: listAnswer('default_security_group_rules', defaultRuleAnswer),
  async handle(request, { database: { db } }) {
    requireKnown(request.query, filters)
    const rows = request.ctx.can(read) ? await listRows(db, 'default_rules') : []
    return page('default_security_group_rules', rows.map(view), request)
  },
})

const show = route({
  method: 'GET',
  path: '/default-security-group-rules/:id',
  policy: read,
  answer: showAnswer('default_security_group_rule', defaultRuleAnswer),
  async handle({ ctx, params, query }, { database: { db } }) {
    const row = await findRow(db, 'default_rules', { id: params.id })
    if (!row || !ctx.can(read)) throw ruleNotFound(params.id)
    return { status: 200, body: { default_security_group_rule: pick(view(row), query) } }
  },
})

const creation = closed({
  ...ruleAttributes,
  ...kinds.owner,
  used_in_default_sg: Type.Optional(kinds.boolean),
  used_in_non_default_sg: Type.Optional(kinds.boolean),
})
const create = route({
  method: 'POST',
  path: '/default-security-group-rules',
  policy: policy('create_default_security_group_rule'),
  body: oneOrMany('default_security_group_rule', creation),
  answer: madeAnswer('default_security_group_rule', defaultRuleAnswer),
  async handle({ ctx, body }, { database }) {
    ctx.authorize(policy('create_default_security_group_rule'))
    const given = body as Record<string, unknown>
    const many = given['default_security_group_rules'] as unknown[] | undefined
    const inputs = itemsOf(creation, { singular: 'default_security_group_rule', filters }, given)
    const views = await database.transaction(async (tx) => {
      const made: Shown<typeof defaultRuleAnswer>[] = []
      for (const input of inputs) {
        const rest = {
          description: input.description ?? '',
          used_in_default_sg: input.used_in_default_sg ? 1 : 0,
          // As in neutron: who says nothing means the groups that users make.
          used_in_non_default_sg: input.used_in_non_default_sg === false ? 0 : 1,
        }
        made.push(view(await insertDefaultRule(tx, readRule(input), rest)))
      }
      return made
    })
    const [first] = views
    return {
      status: 201,
      body: many ? { default_security_group_rules: views } : { default_security_group_rule: first },
    }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/default-security-group-rules/:id',
  policy: policy('delete_default_security_group_rule'),
  answer: { 204: null },
  async handle({ ctx, params }, { database: { db } }) {
    const id = params.id
    if (!ctx.can(read)) throw ruleNotFound(id)
    ctx.authorize(policy('delete_default_security_group_rule'))
    if ((await deleteRows(db, 'default_rules', { id })) === 0) throw ruleNotFound(id)
    return { status: 204 }
  },
})

export const defaultRuleRoutes = [list, show, create, remove]
