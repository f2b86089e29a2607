/** A real identity service in this process for tests, on a temporary SQLite file, with a few callers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../../../platform/auth/secret.ts'
import { localTransport, type ClientResponse } from '../../../platform/http/client.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { createIdentityService, type IdentityService } from '../service.ts'

export interface TestIdentity {
  readonly service: IdentityService
  /** A token of the administrator with system scope. */
  readonly admin: string
  /** Sends a request; `token` null for none. */
  send(token: string | null, method: string, path: string, json?: unknown): Promise<TestAnswer>
  /** As `send` by the administrator; rejects on any status but 2xx. */
  make(method: string, path: string, json?: unknown): Promise<TestAnswer['body']>
  login(
    user: { id: string } | { name: string; domain: { id: string } },
    password: string,
    scope?: unknown,
  ): Promise<string>
  /** A user of that domain with a role on a target, e.g. `projects/ID`, `domains/ID`, `system`. */
  addUser(options: { domainId: string; role?: string; on?: string }): Promise<{ id: string; password: string }>
  /** A fresh user's token with a role on a scope. */
  persona(role: string, scope: { project: string } | { domain: string } | 'system', domainId?: string): Promise<Persona>
  close(): Promise<void>
}

export interface Persona {
  userId: string
  token: string
}

export interface TestAnswer extends ClientResponse {
  body: Record<string, { id: string } & Record<string, unknown>>
}

const password = 'administrator-of-a-test'

/** Starts it; `config` is the text of a keystone.conf. */
export async function createTestIdentity(config = ''): Promise<TestIdentity> {
  const stateDir = mkdtempSync(join(tmpdir(), 'nephos-identity-'))
  const file = join(stateDir, 'keystone.conf')
  writeFileSync(file, `[identity]\npassword_hash_rounds = 4\n${config}`)
  const baseUrl = 'http://identity.test'
  const service = await createIdentityService({
    stateDir: join(stateDir, 'state'),
    configFiles: [file],
    databaseUrl: process.env['NEPHOS_TEST_DATABASE'] ?? `sqlite:///${join(stateDir, 'identity.db')}`,
    policyOverrides: {},
    log: createLogger({ name: 'test' }),
    bus: undefined as never,
    host: 'test',
    region: 'RegionOne',
    authenticator: { validate: () => Promise.resolve(null) },
    connect: () => Promise.reject(new Error('identity asks nobody')) as never,
    serviceToken: () => Promise.reject(new Error('identity asks nobody')),
    baseUrl,
    authUrl: `${baseUrl}/v3`,
    metadataSecret: new Secret('unused'),
    urls: {},
  })
  await service.bootstrap({
    projects: ['admin', 'demo', 'service'],
    users: [{ name: 'admin', password, project: 'admin', roles: ['admin'], systemAdmin: true, reset: false }],
    region: 'RegionOne',
    services: [{ type: 'identity', name: 'keystone', urls: everywhere(baseUrl) }],
  })
  const transport = localTransport(service.apps['identity']!)
  const send: TestIdentity['send'] = async (token, method, path, json) =>
    (await transport.send({
      method,
      path,
      headers: token === null ? {} : { 'X-Auth-Token': token },
      ...(json !== undefined && { json }),
    })) as TestAnswer
  const login: TestIdentity['login'] = async (user, secret, scope) => {
    const identity = { methods: ['password'], password: { user: { ...user, password: secret } } }
    const answer = await send(null, 'POST', '/v3/auth/tokens', {
      auth: { identity, ...(scope !== undefined && { scope }) },
    })
    if (answer.status !== 201) throw new Error(`login: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.headers['x-subject-token']!
  }
  const admin = await login({ name: 'admin', domain: { id: 'default' } }, password, { system: { all: true } })
  const make: TestIdentity['make'] = async (method, path, json) => {
    const answer = await send(admin, method, path, json)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  let serial = 0
  const addUser: TestIdentity['addUser'] = async ({ domainId, role, on }) => {
    const name = `user-${serial++}`
    const secret = `secret-of-${name}`
    const { user } = await make('POST', '/v3/users', { user: { name, domain_id: domainId, password: secret } })
    if (role !== undefined) await make('PUT', `/v3/${on}/users/${user!.id}/roles/${await roleId(role)}`)
    return { id: user!.id, password: secret }
  }
  const roleId = async (name: string) => {
    const { roles } = (await make('GET', `/v3/roles?name=${name}`)) as unknown as { roles: { id: string }[] }
    return roles[0]!.id
  }
  return {
    service,
    admin,
    send,
    make,
    login,
    addUser,
    async persona(role, scope, domainId = 'default') {
      const on =
        scope === 'system' ? 'system' : 'project' in scope ? `projects/${scope.project}` : `domains/${scope.domain}`
      const user = await addUser({ domainId, role, on })
      const asked =
        scope === 'system'
          ? { system: { all: true } }
          : 'project' in scope
            ? { project: { id: scope.project } }
            : { domain: { id: scope.domain } }
      return { userId: user.id, token: await login({ id: user.id }, user.password, asked) }
    },
    async close() {
      await service.stop()
      rmSync(stateDir, { recursive: true, force: true })
    },
  }
}

const everywhere = (url: string) => ({ public: url, internal: url, admin: url })
