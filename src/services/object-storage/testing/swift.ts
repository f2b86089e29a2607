/** Swift in process, on folders of its own, for tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Credentials } from '../../../platform/auth/credentials.ts'
import { Secret } from '../../../platform/auth/secret.ts'
import { someone } from '../../../platform/auth/testing.ts'
import type { App } from '../../../platform/http/app.ts'
import { testEnv } from '../../../platform/testing/service-env.ts'
import { openSwiftService } from '../roles.ts'

/** Who a test's token is of: `user:project;role,role`; nobody's where it begins with `bad`. */
function credentialsOf(token: string): Credentials | null {
  if (token.startsWith('bad')) return null
  const [who = '', roles = 'member'] = token.split(';')
  const [user = '', project = user] = who.split(':')
  return someone({
    userId: user,
    userName: `${user}-name`,
    userDomainId: 'default',
    projectId: project,
    projectName: `${project}-name`,
    projectDomainId: 'default',
    roles: roles.split(',').filter((role) => role !== ''),
    token: new Secret(token),
  })
}

export interface Answer {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  body: Buffer
  text: string
}

export interface CallOptions {
  token?: string | undefined
  headers?: Record<string, string>
  body?: string | Buffer | Readable
}

export interface TestSwift {
  readonly app: App
  readonly folder: string
  /** Sends a request for a path below the account of project `demo`, or for one that begins with a slash. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  stop(): Promise<void>
}

/** Starts it; `config` has the text of files by their names. */
export async function startSwift(config: Record<string, string> = {}, given?: string): Promise<TestSwift> {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'nephos-swift-'))
  const names = [
    'swift.conf',
    'proxy-server.conf',
    'account-server.conf',
    'container-server.conf',
    'object-server.conf',
  ]
  for (const [name, text] of Object.entries(config)) writeFileSync(join(folder, name), text)
  const service = await openSwiftService(
    testEnv('object-store', {
      stateDir: join(folder, 'state'),
      configFiles: names.map((name) => join(folder, name)),
      databaseUrl: '',
      authenticator: { validate: async (token) => credentialsOf(token) },
    }),
  )
  await service.start()
  const app = service.apps['object-store']!
  return {
    app,
    folder,
    call: (method, path, options) => call(app, method, path, options),
    async stop() {
      await service.stop()
      if (given === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function call(
  app: App,
  method: string,
  path: string,
  { token = 'demo', headers = {}, body }: CallOptions = {},
): Promise<Answer> {
  const url = path.startsWith('/') ? path : `/v1/AUTH_demo${path === '' || path.startsWith('?') ? '' : '/'}${path}`
  const stream = body === undefined || body instanceof Readable ? body : Readable.from([Buffer.from(body)])
  const length = typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.byteLength(body) : body ? undefined : 0
  const answer = await app.dispatch({
    method,
    url,
    headers: {
      ...(token !== '' && { 'x-auth-token': token }),
      ...(length === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(length) }),
      ...headers,
    },
    ...(stream && { stream }),
  })
  const content = await bytesOf(answer.body)
  return {
    status: answer.status,
    headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: content,
    text: content.toString(),
  }
}

async function bytesOf(body: unknown): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0)
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return Buffer.from(body)
  const chunks: Buffer[] = []
  for await (const chunk of body as Readable) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
