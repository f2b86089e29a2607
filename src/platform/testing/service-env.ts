/** A place in a cloud for a service that a test runs by itself. */
import { Secret } from '../auth/secret.ts'
import { createLogger } from '../log/log.ts'
import { LocalBus } from '../rpc/local-bus.ts'
import type { ServiceEnv } from '../service.ts'

type Given = Pick<ServiceEnv, 'stateDir' | 'configFiles' | 'databaseUrl'> & Partial<ServiceEnv>

/** With an own bus and nobody else around, unless said otherwise; nobody's token is good. */
export function testEnv(type: string, given: Given): ServiceEnv {
  const log = given.log ?? createLogger({ name: 'test', level: 'silent' })
  return {
    policyOverrides: {},
    log,
    logOf: () => log,
    bus: new LocalBus(),
    host: 'test',
    region: 'RegionOne',
    authenticator: { validate: () => Promise.resolve(null) },
    connect: (other) => ({ send: () => Promise.reject(new Error(`${type} has no ${other} here`)) }),
    serviceToken: () => Promise.resolve('service'),
    baseUrl: `http://${type}.test`,
    authUrl: 'http://identity.test/v3',
    addressOf: () => ({ host: '127.0.0.1', port: 0 }),
    urlOf: (port) => `http://${port}.test`,
    secretOf: (name) => new Secret(name),
    report: () => undefined,
    ...given,
  }
}
