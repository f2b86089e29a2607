/** Placement in process, on a database of its own, for tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Credentials } from '../../../platform/auth/credentials.ts'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import type { App } from '../../../platform/http/app.ts'
import { testEnv } from '../../../platform/testing/service-env.ts'
import { openPlacementService } from '../roles.ts'
import { Secret } from '../../../platform/auth/secret.ts'

/** Who a test's token is of: `user:project;role,role;scope` (`system` or `domain`) with all but the user left out at will. */
function credentialsOf(token: string): Credentials {
  const [who = '', roles = who.startsWith('admin') ? 'admin' : '', scope = ''] = token.split(';')
  const [user = '', project = user] = who.split(':')
  return {
    userId: user,
    userName: user,
    userDomainId: 'default',
    projectId: scope === '' ? project : null,
    projectName: project,
    projectDomainId: 'default',
    domainId: scope === 'domain' ? 'default' : null,
    systemScope: scope === 'system' ? 'all' : null,
    roles: roles.split(',').filter((role) => role !== ''),
    expiresAt: '2999-01-01T00:00:00Z',
    token: new Secret(token),
    applicationCredentialId: null,
    auditId: token,
  }
}

export interface Answer<T = never> {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  body: T
}

export interface TestPlacement {
  readonly app: App
  readonly databaseUrl: string
  /** Sends a request as the administrator at a version, or as the bearer of `token`. */
  call<T>(
    method: string,
    url: string,
    json?: unknown,
    options?: { version?: string; token?: string; headers?: Record<string, string> },
  ): Promise<Answer<T>>
  /** As `call`, failing on an answer of 400 or more. */
  must<T>(method: string, url: string, json?: unknown): Promise<T>
  stop(): Promise<void>
}

/** Starts placement; `config` is the text of a placement.conf. */
export async function startPlacement(
  options: { config?: string; policies?: Record<string, string>; databaseUrl?: string } = {},
): Promise<TestPlacement> {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-placement-'))
  const configFile = join(folder, 'placement.conf')
  writeFileSync(configFile, options.config ?? '')
  const databaseUrl = options.databaseUrl ?? (await testDatabaseUrl(folder, 'placement'))
  const service = await openPlacementService(
    testEnv('placement', {
      stateDir: folder,
      configFiles: [configFile],
      databaseUrl,
      policyOverrides: options.policies ?? {},
      authenticator: { validate: async (token) => credentialsOf(token) },
    }),
  )
  const app = service.apps['placement']!
  const call: TestPlacement['call'] = async (
    method,
    url,
    json,
    { version = '1.39', token = 'admin', headers } = {},
  ) => {
    const answer = await app.dispatch({
      method,
      url,
      json,
      headers: {
        'openstack-api-version': `placement ${version}`,
        ...(token !== '' && { 'x-auth-token': token }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    })
    const named = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value])
    return { status: answer.status, headers: Object.fromEntries(named), body: answer.body as never }
  }
  return {
    app,
    databaseUrl,
    call,
    async must(method, url, json) {
      const { status, body } = await call<never>(method, url, json)
      if (status >= 400) throw new Error(`${method} ${url} answered ${status}: ${JSON.stringify(body)}`)
      return body
    },
    async stop() {
      await service.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The app with locations that lead to where it is reached, not to a name that only tests know. */
export const atItsAddress = (app: App): App => ({
  ...app,
  async dispatch(request) {
    const answer = await app.dispatch(request)
    const location = answer.headers['Location']?.replace(app.baseUrl, `http://${request.headers.host}`)
    return { ...answer, headers: { ...answer.headers, ...(location !== undefined && { Location: location }) } }
  },
})
