/** `/healthcheck` for those who watch. */
import { existsSync } from 'node:fs'
import type { Middleware } from './middleware.ts'

export const healthcheck: Middleware = {
  wrap(next, { options }) {
    const disabledBy = options.text('disable_path', '')
    return async (request) => {
      if (request.path !== '/healthcheck') return next(request)
      const isDisabled = disabledBy !== '' && existsSync(disabledBy)
      return {
        status: isDisabled ? 503 : 200,
        headers: { 'content-type': 'text/plain; charset=UTF-8' },
        body: isDisabled ? 'DISABLED BY FILE' : 'OK',
      }
    }
  },
}
