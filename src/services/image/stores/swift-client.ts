/** What the swift store needs of keystone and of an object store. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { StoreUnavailable } from './store.ts'

export interface SwiftAccount {
  /** Keystone's URL with its version, e.g. `https://keystone:5000/v3`. */
  authAddress: string
  /** `project:user`. */
  user: string
  key: string
  userDomainId: string
  projectDomainId: string
  region: string
  /** Of the account, e.g. `https://swift/v1/AUTH_x`; empty for what the catalog says. */
  endpoint: string
}

interface Session {
  url: string
  token: string
  expiresAt: number
}

export interface SwiftRequest {
  method: string
  /** Below the account, with its query. */
  path: string
  headers?: Record<string, string>
}

const idleMs = 120_000

export class SwiftClient {
  readonly #account: SwiftAccount
  #session: Promise<Session> | undefined

  constructor(account: SwiftAccount) {
    this.#account = account
  }

  /** Sends a request without a body; logs in anew once when the token is refused. */
  async send(request: SwiftRequest): Promise<IncomingMessage> {
    const answer = await this.#once(request)
    if (answer.statusCode !== 401) return answer
    answer.resume()
    this.#session = undefined
    return this.#once(request)
  }

  async #once(request: SwiftRequest): Promise<IncomingMessage> {
    const { request: outgoing, answer } = await this.open(request)
    outgoing.end()
    return answer
  }

  /** A request whose body the caller writes. */
  async open({ method, path, headers = {} }: SwiftRequest): Promise<{
    request: ClientRequest
    answer: Promise<IncomingMessage>
  }> {
    const { url, token } = await this.#login()
    const target = new URL(`${url}/${path}`)
    const make: typeof httpRequest = target.protocol === 'https:' ? httpsRequest : httpRequest
    const request = make(target, { method, headers: { ...headers, 'X-Auth-Token': token }, timeout: idleMs })
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve)
      request.on('error', (cause) =>
        reject(new StoreUnavailable(`the object store does not answer: ${cause.message}`, { cause })),
      )
    })
    answer.catch(() => undefined) // whoever awaits it hears of it
    return { request, answer }
  }

  async #login(): Promise<Session> {
    const session = await this.#session?.catch(() => undefined)
    if (session && session.expiresAt > Date.now() + 60_000) return session
    this.#session = this.#authenticate()
    return this.#session
  }

  async #authenticate(): Promise<Session> {
    const { authAddress, user, key, userDomainId, projectDomainId, region, endpoint } = this.#account
    const [project = '', name = ''] = user.split(':')
    const identity = {
      methods: ['password'],
      password: { user: { name, domain: { id: userDomainId }, password: key } },
    }
    const scope = { project: { name: project, domain: { id: projectDomainId } } }
    const response = await fetch(`${authAddress.replace(/\/+$/, '')}/auth/tokens`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ auth: { identity, scope } }),
      redirect: 'error',
      signal: AbortSignal.timeout(30_000),
    }).catch((cause: unknown) => {
      throw new StoreUnavailable('keystone does not answer the swift store', { cause })
    })
    if (response.status !== 201) throw new StoreUnavailable(`keystone answers the swift store ${response.status}`)
    const { token } = (await response.json()) as { token: Token }
    const url = endpoint || publicUrl(token, region)
    if (url === undefined) throw new StoreUnavailable('the catalog has no object-store endpoint for the swift store')
    return {
      url: url.replace(/\/+$/, ''),
      token: response.headers.get('x-subject-token') ?? '',
      expiresAt: Date.parse(token.expires_at),
    }
  }
}

interface Token {
  expires_at: string
  catalog?: { type: string; endpoints: { interface: string; region_id: string; url: string }[] }[]
}

const publicUrl = ({ catalog = [] }: Token, region: string): string | undefined =>
  catalog
    .filter((service) => service.type === 'object-store')
    .flatMap((service) => service.endpoints)
    .find((each) => each.interface === 'public' && (region === '' || each.region_id === region))?.url

/** The whole body of an answer as text, for listings and errors. */
export async function bodyOf(answer: IncomingMessage, most = 16 * 1024 * 1024): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > most) throw new StoreUnavailable('the object store answers without end')
    parts.push(chunk)
  }
  return Buffer.concat(parts).toString('utf8')
}
