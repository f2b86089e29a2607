import type { Secret } from '../platform/auth/secret.ts'
import { RemoteError, type Transport } from '../platform/http/client.ts'

type Scope = 'project' | 'system'

type Domain = { name: string } | { id: string }

/** Who a service is to keystone. */
export interface ServiceUser {
  readonly name: string
  readonly password: Secret
  readonly domain: Domain
  readonly project: { readonly name: string; readonly domain: Domain }
}

interface Endpoint {
  interface: string
  region_id: string
  url: string
}

interface Token {
  expires_at: string
  catalog?: { type: string; endpoints: Endpoint[] }[]
}

interface Kept {
  text: string
  renewAt: number
  renewal: Promise<Kept> | undefined
  catalog: Token['catalog']
}

const nothing = (): Kept => ({ text: '', renewAt: 0, renewal: undefined, catalog: undefined })

/**
 * A service's own user, in project `service` or for the whole system. A token for each is kept and replaced when a fifth of
 * its life is left; keystone is asked only then. Its catalog tells where other services are.
 */
export class ServiceAccount {
  readonly #identity: Transport
  readonly #who: ServiceUser
  readonly #kept: Record<Scope, Kept> = { project: nothing(), system: nothing() }

  constructor(identity: Transport, who: ServiceUser) {
    this.#identity = identity
    this.#who = who
  }

  async token(scope: Scope = 'project'): Promise<string> {
    return (await this.#fresh(scope)).text
  }

  /** What was kept is good no longer, as keystone said. */
  forget(): void {
    for (const kept of Object.values(this.#kept)) kept.renewAt = 0
  }

  /** Where a service is, for services; undefined where the catalog has no such endpoint. */
  async endpoint(type: string, region: string): Promise<string | undefined> {
    const { catalog = [] } = await this.#fresh('project')
    const endpoints = catalog.filter((each) => each.type === type).flatMap((each) => each.endpoints)
    const own = endpoints.filter((each) => each.region_id === region)
    return ['internal', 'public'].flatMap((name) => own.find((each) => each.interface === name)?.url ?? [])[0]
  }

  async #fresh(scope: Scope): Promise<Kept> {
    const own = this.#kept[scope]
    if (own.text !== '' && Date.now() < own.renewAt) return own
    own.renewal ??= this.#issue(scope).finally(() => (own.renewal = undefined))
    return own.renewal
  }

  async #issue(scope: Scope): Promise<Kept> {
    const { name, password, domain, project } = this.#who
    const scopes = { project: { project }, system: { system: { all: true } } }
    const user = { name, domain, password: password.reveal() }
    const json = { auth: { identity: { methods: ['password'], password: { user } }, scope: scopes[scope] } }
    const response = await this.#identity.send({ method: 'POST', path: '/v3/auth/tokens', json })
    if (response.status !== 201) throw new RemoteError(`identity POST /v3/auth/tokens as ${name}`, response)
    const { token } = response.body as { token: Token }
    const renewAt = Date.now() + (Date.parse(token.expires_at) - Date.now()) * 0.8
    const text = response.headers['x-subject-token'] ?? ''
    return Object.assign(this.#kept[scope], { text, renewAt, catalog: token.catalog })
  }
}
