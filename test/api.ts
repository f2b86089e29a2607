/** Speaks to a test cloud over HTTP as one of its users. */
import type { TestCloud } from './cloud.ts'

export interface Answer<T = Record<string, never>> {
  status: number
  headers: Headers
  body: T
}

export interface Api {
  readonly token: string
  readonly projectId: string
  readonly userId: string
  call<T>(
    service: Parameters<TestCloud['url']>[0],
    method: string,
    path: string,
    json?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>
}

/** Logs in with the credentials of an openrc file, or with the given ones. */
export async function login(
  cloud: TestCloud,
  user: 'admin' | 'demo',
  other: { name?: string; password?: string; project?: string } = {},
): Promise<Api> {
  const env = cloud.environment(user)
  const domain = { name: 'Default' }
  const auth = {
    identity: {
      methods: ['password'],
      password: {
        user: { name: other.name ?? env['OS_USERNAME'], domain, password: other.password ?? env['OS_PASSWORD'] },
      },
    },
    scope: { project: { name: other.project ?? env['OS_PROJECT_NAME'], domain } },
  }
  const response = await fetch(`${cloud.url('identity')}/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ auth }),
  })
  const { token: body } = (await response.json()) as { token: { project: { id: string }; user: { id: string } } }
  const token = response.headers.get('x-subject-token') ?? ''
  return {
    token,
    projectId: body.project.id,
    userId: body.user.id,
    async call(service, method, path, json, headers = {}) {
      const answer = await fetch(cloud.url(service) + path, {
        method,
        headers: {
          'X-Auth-Token': token,
          ...(json !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      })
      const text = await answer.text()
      const isJson = /json/.test(answer.headers.get('content-type') ?? '') && text !== ''
      return { status: answer.status, headers: answer.headers, body: (isJson ? JSON.parse(text) : text) as never }
    },
  }
}

/** Polls until `probe` gives a value; rejects after `seconds` with the last state. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  seconds = 30,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
