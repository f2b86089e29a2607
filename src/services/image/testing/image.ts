/** Glance in process, on a database and folders of its own, for tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Credentials } from '../../../platform/auth/credentials.ts'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import type { App } from '../../../platform/http/app.ts'
import { messageIn, type Transport } from '../../../platform/http/client.ts'
import { testEnv } from '../../../platform/testing/service-env.ts'
import { openImageService } from '../roles.ts'
import { Secret } from '../../../platform/auth/secret.ts'

/** Who a test's token is of: `project;role,role` or `system;…`; keystone adds the roles that a role implies. */
export function credentialsOf(token: string): Credentials {
  const [project = '', roles = project === 'admin' ? 'admin,manager,member,reader' : 'member,reader'] = token.split(';')
  return {
    userId: `user-of-${project}`,
    userName: project,
    userDomainId: 'default',
    projectId: project === 'system' ? null : project,
    projectName: project,
    projectDomainId: 'default',
    domainId: null,
    systemScope: project === 'system' ? 'all' : null,
    roles: roles.split(',').filter((role) => role !== ''),
    expiresAt: '2999-01-01T00:00:00Z',
    token: new Secret(token),
    applicationCredentialId: null,
    auditId: token,
  }
}

export interface Answer<T = Record<string, unknown>> {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  body: T
  /** The sentence of an error page. */
  message: string
}

export interface CallOptions {
  token?: string
  json?: unknown
  data?: Readable | Buffer | string
  headers?: Record<string, string>
}

export type Shown = Record<string, unknown> & { id: string; status: string; stores?: string }

export interface TestImage {
  readonly app: App
  readonly stateDir: string
  readonly databaseUrl: string
  /** Sends a request below /v2, as the administrator unless told. */
  call<T = Record<string, unknown>>(method: string, path: string, options?: CallOptions): Promise<Answer<T>>
  /** As `call`, failing on an answer of 400 or more. */
  must<T = Shown>(method: string, path: string, options?: CallOptions): Promise<T>
  /** Makes an image; raw in a bare container unless told. */
  create(attributes?: Record<string, unknown>, token?: string): Promise<Shown>
  /** Makes an image with data. */
  upload(data: Buffer | string, attributes?: Record<string, unknown>, token?: string): Promise<Shown>
  /** The data of an image, or the answer where it is refused. */
  download(id: string, options?: CallOptions): Promise<Answer & { data: Buffer }>
  /** Polls an image until it is as wanted. */
  until(id: string, isWanted: (image: Shown) => boolean): Promise<Shown>
  /** Ends the service and starts another one on the same state. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface TestImageOptions {
  /** Text of a glance-api.conf. */
  config?: string
  policies?: Record<string, string>
  /** Other services by type; each rejects unless given. */
  others?: Readonly<Record<string, Transport>>
  /** Where everything is; a temporary folder unless told. */
  folder?: string
  databaseUrl?: string
  /** What its work is held under: another's from `nameDeadProcess` is taken for killed by those who look. */
  processName?: string
}

const absent: Transport = { send: () => Promise.reject(new Error('there is no such service in this test')) }

export async function startImage(options: TestImageOptions = {}): Promise<TestImage> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'nephos-image-'))
  const file = join(folder, 'glance-api.conf')
  writeFileSync(file, options.config ?? '')
  const stateDir = join(folder, 'state')
  const url = options.databaseUrl ?? (await testDatabaseUrl(folder, 'image'))
  const open = () =>
    openImageService(
      testEnv('image', {
        stateDir,
        configFiles: [file],
        databaseUrl: url,
        policyOverrides: options.policies ?? {},
        authenticator: { validate: (token) => Promise.resolve(credentialsOf(token)) },
        connect: (type) => options.others?.[type] ?? absent,
        serviceToken: () => Promise.resolve('service;service'),
        ...(options.processName !== undefined && { processName: options.processName }),
      }),
    )
  let service = await open()
  await service.start()

  const call: TestImage['call'] = async <T>(method: string, path: string, asked: CallOptions = {}) => {
    const { token = 'admin', json, data, headers = {} } = asked
    const stream = data === undefined ? undefined : data instanceof Readable ? data : Readable.from([Buffer.from(data)])
    const answer = await service.apps['image']!.dispatch({
      method,
      url: path.startsWith('/v2') ? path : `/v2${path}`,
      headers: {
        'x-auth-token': token,
        ...(stream && { 'transfer-encoding': 'chunked', 'content-type': 'application/octet-stream' }),
        ...headers,
      },
      ...(json !== undefined && { json }),
      ...(stream && { stream }),
    })
    const named = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value] as const)
    const message = answer.status < 400 ? '' : messageIn(answer.body)
    return { status: answer.status, headers: Object.fromEntries(named), body: answer.body as T, message }
  }
  const must: TestImage['must'] = async <T>(method: string, path: string, asked?: CallOptions) => {
    const answer = await call<T>(method, path, asked)
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.message}`)
    return answer.body
  }
  const create: TestImage['create'] = (attributes, token = 'admin') =>
    must('POST', '/images', {
      token,
      json: { name: 'test', disk_format: 'raw', container_format: 'bare', ...attributes },
    })
  return {
    get app() {
      return service.apps['image']!
    },
    stateDir,
    databaseUrl: url,
    call,
    must,
    create,
    async upload(data, attributes, token = 'admin') {
      const { id } = await create(attributes, token)
      await must('PUT', `/images/${id}/file`, { data, token })
      return must('GET', `/images/${id}`, { token })
    },
    async download(id, asked) {
      const answer = await call('GET', `/images/${id}/file`, asked)
      const body = answer.body as unknown
      const data = body instanceof Readable ? Buffer.concat(await body.toArray()) : Buffer.alloc(0)
      return { ...answer, data }
    },
    async until(id, isWanted) {
      for (const deadline = Date.now() + 20_000; ;) {
        const image = await must('GET', `/images/${id}`)
        if (isWanted(image)) return image
        if (Date.now() > deadline) throw new Error(`image ${id} stays ${JSON.stringify(image)}`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    async restart() {
      await service.stop()
      service = await open()
      await service.start()
    },
    async stop() {
      await service.stop()
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}
