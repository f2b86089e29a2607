/** OS-REVOKE: the revocations of the last days, for services that check tokens by themselves. */
import { Invalid, ServiceError } from '../../../../platform/errors.ts'
import { last } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { policy } from '../../policies.ts'
import { revocationsSince } from '../../store/revocations.ts'
import type { Row } from '../../store/rows.ts'
import { isoMicros } from '../times.ts'
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { pageLinks, text } from '../answers.ts'

const event = exactly({
  audit_id: Type.Optional(text),
  audit_chain_id: Type.Optional(text),
  user_id: Type.Optional(text),
  project_id: Type.Optional(text),
  domain_id: Type.Optional(text),
  'OS-TRUST:trust_id': Type.Optional(text),
  'OS-OAUTH1:consumer_id': Type.Optional(text),
  issued_before: text,
  revoked_at: text,
})

const view = (row: Row<'revocation_events'>) => ({
  ...(row.audit_id !== null && { audit_id: row.audit_id }),
  ...(row.audit_chain_id !== null && { audit_chain_id: row.audit_chain_id }),
  ...(row.user_id !== null && { user_id: row.user_id }),
  ...(row.project_id !== null && { project_id: row.project_id }),
  ...(row.domain_id !== null && { domain_id: row.domain_id }),
  ...(row.trust_id !== null && { 'OS-TRUST:trust_id': row.trust_id }),
  ...(row.consumer_id !== null && { 'OS-OAUTH1:consumer_id': row.consumer_id }),
  issued_before: isoMicros(Number(row.revoked_at)),
  revoked_at: isoMicros(Number(row.revoked_at)),
})

const list = route({
  method: 'GET',
  path: '/OS-REVOKE/events',
  policy: policy('list_revoke_events'),
  answer: { 200: exactly({ events: Type.Array(event), links: pageLinks }) },
  async handle({ ctx, query, baseUrl, url }, { database: { db } }) {
    ctx.authorize(policy('list_revoke_events'))
    const since = last(query, 'since')
    const from = since === undefined ? 0 : Date.parse(since)
    if (Number.isNaN(from)) throw new Invalid(`invalid date format ${since}`)
    const rows = await revocationsSince(db, from)
    return {
      status: 200,
      headers: { Vary: 'X-Auth-Token' },
      body: { events: rows.map(view), links: { next: null, self: baseUrl + url, previous: null } },
    }
  },
})

/** Tokens are not kept, so there is no list of them. */
const pki = route({
  method: 'GET',
  path: '/auth/tokens/OS-PKI/revoked',
  policy: policy('revocation_list'),
  answer: {},
  handle({ ctx }) {
    ctx.authorize(policy('revocation_list'))
    throw new ServiceError('gone', 'The service you have requested is no longer available on this server.')
  },
})

const simpleCert = (name: string) =>
  route({
    method: 'GET',
    path: `/OS-SIMPLE-CERT/${name}`,
    policy: null,
    auth: 'none',
    answer: {},
    handle() {
      throw new ServiceError('gone', 'The service you have requested is no longer available on this server.')
    },
  })

export const revocationRoutes = [list, pki, simpleCert('ca'), simpleCert('certificates')]
