/** A line in the log for each request of a client, and for those that middlewares make of their own. */
import type { Request } from '../wire/message.ts'
import type { Middleware } from './middleware.ts'

/** Its first place in a pipeline sees all of clients; the second only what was made between both. */
const seen = new WeakSet<Request['context']>()

export const proxyLogging: Middleware = {
  wrap(next, { log }) {
    return async (request) => {
      const { context, method, path, headers } = request
      if (seen.has(context)) return next(request)
      seen.add(context)
      const started = performance.now()
      const response = await next(request)
      log.info(
        {
          transaction: context.transactionId,
          method,
          path,
          status: response.status,
          length: response.headers['content-length'],
          agent: headers['user-agent'],
          source: context.source,
          project: context.credentials?.projectId,
          seconds: Math.round(performance.now() - started) / 1000,
        },
        'request',
      )
      return response
    }
  },
}
