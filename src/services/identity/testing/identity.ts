/** A whole identity service in the process, on a database of its own, for tests: requests go through `dispatch`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import { testEnv } from '../../../platform/testing/service-env.ts'
import { openIdentityService, type IdentityService } from '../roles.ts'

export interface Answer {
  status: number
  headers: Record<string, string>
  // What an API answers is for the test to know.
  body: Record<string, unknown>
}

/** A body whose members the test knows. */
export type Body = Record<string, { id: string } & Record<string, unknown>>

export type Scope = { project: string } | { domain: string } | 'system'

export interface Options {
  token?: string
  body?: unknown
  headers?: Record<string, string>
  /** Address that the request comes from; none for clients in the process. */
  peer?: string
  /** A body that is a form. */
  form?: Record<string, string>
}

export class TestIdentity {
  readonly service: IdentityService
  /** Keys, configuration and database. */
  readonly stateDir: string
  admin = ''
  #personas = 0

  constructor(service: IdentityService, stateDir: string) {
    this.service = service
    this.stateDir = stateDir
  }

  /** Sends a request below /v3; `body` as JSON. */
  async request(method: string, path: string, options: Options = {}) {
    const { token = this.admin, body, headers = {}, peer, form } = options
    const answer = await this.service.apps['identity']!.dispatch({
      method,
      url: `/v3${path}`,
      headers: {
        ...(token !== '' && { 'x-auth-token': token }),
        ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      ...(peer !== undefined && { peer }),
      ...(form && { stream: Readable.from([Buffer.from(new URLSearchParams(form).toString())]) }),
      ...(body !== undefined && { json: body }),
    })
    return answer as Answer
  }

  /** Sends a request that must succeed, and gives the member of the answer. */
  async make<T = { id: string }>(method: string, path: string, body?: object, token = this.admin): Promise<T> {
    const answer = await this.request(method, path, { token, ...(body && { body }) })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    const [member] = Object.entries((answer.body ?? {}) as object).filter(([name]) => name !== 'links')
    return member?.[1] as T
  }

  /** As `make`, with the whole body of the answer. */
  async whole(method: string, path: string, body?: object): Promise<Body> {
    const answer = await this.send(this.admin, method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  /** A request in short; without a token for null. */
  async send(token: string | null, method: string, path: string, body?: unknown) {
    const answer = await this.request(method, path, { token: token ?? '', ...(body !== undefined && { body }) })
    return answer as Omit<Answer, 'body'> & { body: Body }
  }

  authenticate(identity: object, scope?: object | string, headers: Record<string, string> = {}) {
    return this.request('POST', '/auth/tokens', { token: '', body: { auth: { identity, scope } }, headers })
  }

  /** A token by password. Throws when that fails. */
  async login(user: string, password: string, scope?: object | string): Promise<string> {
    const answer = await this.authenticate(byPassword(user, password), scope)
    if (answer.status !== 201) throw new Error(`login of ${user}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.headers['X-Subject-Token']!
  }

  /** A user with a role on a project, and his token. */
  async member(name: string, projectId: string, role = 'member') {
    const user = await this.make('POST', '/users', { user: { name, password: `secret-${name}` } })
    await this.grant(role, `/projects/${projectId}/users/${user.id}`)
    return { ...user, token: await this.login(name, `secret-${name}`, { project: { id: projectId } }) }
  }

  /** A fresh user of a domain with a role on a scope, and his token for it. */
  async persona(role: string, scope: Scope, domainId = 'default'): Promise<{ userId: string; token: string }> {
    const password = 'secret-of-a-persona'
    const name = `persona-${(this.#personas += 1)}`
    const { id } = await this.make('POST', '/users', { user: { name, domain_id: domainId, password } })
    const place =
      scope === 'system' ? 'system' : 'project' in scope ? `projects/${scope.project}` : `domains/${scope.domain}`
    await this.grant(role, `/${place}/users/${id}`)
    const asked =
      scope === 'system'
        ? { system: { all: true } }
        : 'project' in scope
          ? { project: { id: scope.project } }
          : { domain: { id: scope.domain } }
    const answer = await this.authenticate({ methods: ['password'], password: { user: { id, password } } }, asked)
    return { userId: id, token: answer.headers['X-Subject-Token']! }
  }

  async close(): Promise<void> {
    await this.service.stop()
    rmSync(this.stateDir, { recursive: true, force: true })
  }

  async grant(role: string, place: string) {
    await this.make('PUT', `${place}/roles/${await this.roleId(role)}`)
  }

  async roleId(name: string): Promise<string> {
    const [role] = await this.make<{ id: string }[]>('GET', `/roles?name=${name}`)
    return role!.id
  }
}

export const byPassword = (name: string, password: string) => ({
  methods: ['password'],
  password: { user: { name, domain: { id: 'default' }, password } },
})

/** Starts the service with `keystone.conf` as given; ends with the test. Its `admin` is a token for project admin. */
export async function startIdentity(t: TestContext, configuration = '', baseUrl?: string): Promise<TestIdentity> {
  const identity = await createTestIdentity(configuration, baseUrl)
  t.after(() => identity.close())
  return identity
}

/** The same for several tests; they close it. */
export function createTestIdentity(configuration = '', baseUrl?: string): Promise<TestIdentity> {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-identity-'))
  return openTestIdentity(folder, `[identity]\npassword_hash_rounds = 4\n${configuration}`, baseUrl)
}

/** Starts the service in a folder, with `keystone.conf` as given. */
export async function openTestIdentity(
  folder: string,
  configuration: string,
  baseUrl = 'http://identity',
): Promise<TestIdentity> {
  const file = join(folder, 'keystone.conf')
  writeFileSync(file, configuration)
  const service = await openIdentityService(
    testEnv('identity', {
      stateDir: folder,
      configFiles: [file],
      databaseUrl: await testDatabaseUrl(folder, 'identity'),
      baseUrl,
      authUrl: `${baseUrl}/v3`,
    }),
  )
  await service.bootstrap({
    projects: ['admin', 'service'],
    users: [
      {
        name: 'admin',
        password: 'admin-password',
        project: 'admin',
        roles: ['admin'],
        systemAdmin: true,
        reset: false,
      },
      { name: 'nova', password: 'nova-password', project: 'service', roles: ['service'], reset: false },
    ],
    region: 'RegionOne',
    services: [{ type: 'identity', name: 'keystone', urls: everywhere(`${baseUrl}/v3`) }],
  })
  await service.start()
  const identity = new TestIdentity(service, folder)
  identity.admin = await identity.login('admin', 'admin-password', {
    project: { name: 'admin', domain: { id: 'default' } },
  })
  return identity
}

const everywhere = (url: string) => ({ public: url, internal: url, admin: url })
