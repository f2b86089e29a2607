import { PolicyEnforcer } from '../auth/policy.ts'
import { createLogger } from '../log/log.ts'
import { createApp, type App } from './app.ts'
import type { AppOptions } from './service.ts'

/** A small app: its routes below /v1, nobody's tokens valid and errors in a plain envelope, unless the test says otherwise. */
export const testApp = <Deps>({
  definition,
  ...rest
}: Pick<AppOptions<Deps>, 'routes' | 'deps'> &
  Partial<Omit<AppOptions<Deps>, 'definition'>> & { definition?: Partial<AppOptions<Deps>['definition']> }): App =>
  createApp<Deps>({
    definition: {
      type: 'test',
      basePaths: ['/v1'],
      envelope: ({ status, message }) => ({ error: { code: status, message } }),
      ...definition,
    },
    enforcer: new PolicyEnforcer([]),
    authenticator: { validate: () => Promise.resolve(null) },
    log: createLogger({ name: 'test' }),
    baseUrl: 'http://test',
    ...rest,
  })
