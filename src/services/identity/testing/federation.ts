/** A cloud with an identity provider for tests: logins come through a proxy at a trusted address. */
import type { TestContext } from 'node:test'
import { startIdentity, type Answer, type TestIdentity } from './identity.ts'

export const proxy = '192.0.2.7'
export const dashboard = 'https://dashboard.example.org/auth/websso/'

export const configuration = `[auth]
methods = external,password,token,oauth1,mapped,application_credential,totp,openid
[federation]
trusted_proxies = ${proxy}, 2001:db8::/64
remote_user_header = X-Remote-User
remote_domain_header = X-Remote-Domain
trusted_dashboard = ${dashboard}
`

export const entityId = 'https://idp.example.org'

/** People whom the provider calls `staff`, by name, with their groups. */
const staff = [
  {
    local: [{ user: { name: '{0}', email: '{1}' } }, { groups: '{2}', domain: { name: 'Default' } }],
    remote: [{ type: 'user' }, { type: 'mail' }, { type: 'groups' }, { type: 'kind', any_one_of: ['staff'] }],
  },
]

export class Federation {
  readonly identity: TestIdentity
  constructor(identity: TestIdentity) {
    this.identity = identity
  }

  readonly path = '/OS-FEDERATION/identity_providers/corp/protocols/openid'

  /** Replaces the rules of the mapping. */
  map(rules: unknown, schema_version = '1.0') {
    return this.identity.make('PATCH', '/OS-FEDERATION/mappings/staff', { mapping: { rules, schema_version } })
  }

  /** A login with attributes that the proxy passes. */
  login(attributes: Record<string, string>, { peer = proxy, path = `${this.path}/auth`, method = 'GET' } = {}) {
    return this.identity.request(method, path, { token: '', headers: headersOf(attributes), peer })
  }

  /** A token of that login. Throws when there is none. */
  async token(attributes: Record<string, string>): Promise<string> {
    const answer = await this.login(attributes)
    if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.headers['X-Subject-Token']!
  }

  /** Another scope for a token. */
  rescope(id: string, scope: object): Promise<Answer> {
    return this.identity.authenticate({ methods: ['token'], token: { id } }, scope)
  }
}

const headersOf = (attributes: Record<string, string>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`x-assertion-${name.toLowerCase()}`, value]))

export const alice = { iss: entityId, user: 'alice', mail: 'alice@example.org', groups: 'devs', kind: 'staff' }

/** A group `devs` in the default domain exists; the provider `corp` is known by `entityId` in the attribute `iss`. */
export async function startFederation(t: TestContext, more = ''): Promise<Federation & { devs: string }> {
  const identity = await startIdentity(t, configuration + more)
  const devs = await identity.make('POST', '/groups', { group: { name: 'devs' } })
  await identity.make('PUT', '/OS-FEDERATION/identity_providers/corp', {
    identity_provider: { enabled: true, remote_ids: [entityId] },
  })
  await identity.make('PUT', '/OS-FEDERATION/mappings/staff', { mapping: { rules: staff } })
  await identity.make('PUT', '/OS-FEDERATION/identity_providers/corp/protocols/openid', {
    protocol: { mapping_id: 'staff', remote_id_attribute: 'iss' },
  })
  return Object.assign(new Federation(identity), { devs: devs.id })
}
