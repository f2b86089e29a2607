/** The outermost: every answer has the id of its transaction, and what went wrong inside is told in the log only. */
import { randomBytes } from 'node:crypto'
import { answer } from '../wire/answers.ts'
import { newContext, type Response } from '../wire/message.ts'
import type { Middleware } from './middleware.ts'

/** `tx` + 21 hexadecimal digits by lot + the second in ten. */
function newTransaction(suffix: string): string {
  const lot = randomBytes(16).toString('hex').slice(0, 21)
  return `tx${lot}-${Math.floor(Date.now() / 1000)
    .toString(16)
    .padStart(10, '0')}${suffix}`
}

export const catchErrors: Middleware = {
  wrap(next, { options, log }) {
    const suffix = options.text('trans_id_suffix', '')
    return async (request) => {
      const extra = request.headers['x-trans-id-extra']
      const id = newTransaction(suffix + (extra === undefined ? '' : `-${encodeURIComponent(extra.slice(0, 32))}`))
      const context = { ...newContext(id), ...(request.context.isAuthorized && { isAuthorized: true }) }
      const response = await next({ ...request, context }).catch((error: unknown): Response => {
        log.error({ err: error, transaction: id, path: request.path }, 'a request could not be handled')
        return answer(500, 'An error occurred')
      })
      return { ...response, headers: { ...response.headers, 'x-trans-id': id, 'x-openstack-request-id': id } }
    }
  },
}
