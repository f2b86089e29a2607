/** What `openstack` does with each kind of thing that identity has: create, show, list, set, delete. */

export interface Row {
  /** As in `openstack NOUN create`. */
  noun: string
  /** Lines that run before; lines with `delete` and `remove` that run after. */
  before?: readonly string[]
  after?: readonly string[]
  /** Arguments that every command of the noun needs. */
  where?: string
  create: string
  /** Column of the created thing that the other commands name it by. */
  key?: string
  shown: Readonly<Record<string, unknown>>
  set?: string
  changed?: Readonly<Record<string, unknown>>
}

/** Files that commands read, by their names. */
export const files: Readonly<Record<string, unknown>> = {
  'filters.json': { interface: 'public' },
  'rules.json': [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'REMOTE_USER' }] }],
  'other-rules.json': [{ local: [{ user: { name: 'guest' } }], remote: [{ type: 'REMOTE_USER' }] }],
  'policy.json': { rule: 'role:admin' },
}

const ordinary: readonly Row[] = [
  {
    noun: 'domain',
    create: '--description first corp',
    shown: { name: 'corp', enabled: true, description: 'first' },
    set: '--description second --disable',
    changed: { enabled: false, description: 'second' },
  },
  {
    noun: 'project',
    create: '--domain Default --description first --tag red --property color=blue dev',
    shown: { name: 'dev', tags: ['red'], parent_id: 'default', color: 'blue' },
    set: '--description second --disable --tag green',
    changed: { enabled: false, description: 'second', tags: ['green', 'red'] },
  },
  {
    noun: 'user',
    create: '--domain Default --email a@example.org --password a-long-secret --ignore-password-expiry ann',
    shown: { name: 'ann', email: 'a@example.org', options: { ignore_password_expiry: true } },
    set: '--email b@example.org --disable',
    changed: { enabled: false, email: 'b@example.org' },
  },
  {
    noun: 'group',
    create: '--domain Default --description first crew',
    shown: { name: 'crew', domain_id: 'default', description: 'first' },
    set: '--description second',
    changed: { description: 'second' },
  },
  {
    noun: 'role',
    create: '--description first watcher',
    shown: { name: 'watcher', description: 'first', domain_id: null },
    set: '--description second',
    changed: { description: 'second' },
  },
  {
    noun: 'region',
    create: '--parent-region RegionOne --description first north',
    key: 'region',
    shown: { region: 'north', parent_region: 'RegionOne', description: 'first' },
    set: '--description second',
    changed: { description: 'second' },
  },
  {
    noun: 'service',
    create: '--name storm --description first weather',
    shown: { name: 'storm', type: 'weather', enabled: true, description: 'first' },
    set: '--description second --disable',
    changed: { enabled: false, description: 'second' },
  },
  {
    noun: 'endpoint',
    create: '--region RegionOne keystone public http://example.org/%(project_id)s',
    key: 'id',
    shown: { url: 'http://example.org/%(project_id)s', interface: 'public', region: 'RegionOne', enabled: true },
    set: '--url http://other.example.org --disable',
    changed: { url: 'http://other.example.org', enabled: false },
  },
  {
    noun: 'endpoint group',
    create: '--description first public-ones filters.json',
    key: 'id',
    shown: { name: 'public-ones', filters: { interface: 'public' }, description: 'first' },
    set: '--description second',
    changed: { description: 'second' },
  },
  {
    noun: 'policy',
    create: '--type application/json policy.json',
    key: 'id',
    shown: { type: 'application/json', rules: JSON.stringify(files['policy.json']) },
    set: '--type text/plain',
    changed: { type: 'text/plain' },
  },
  {
    noun: 'credential',
    create: '--type cert --project admin admin first',
    key: 'id',
    shown: { type: 'cert', blob: 'first' },
    set: '--user admin --type cert --data second',
    changed: { blob: 'second' },
  },
  {
    noun: 'registered limit',
    create: '--service keystone --region RegionOne --default-limit 5 --description first users',
    key: 'id',
    shown: { resource_name: 'users', default_limit: 5, region_id: 'RegionOne', description: 'first' },
    set: '--default-limit 6',
    changed: { default_limit: 6 },
  },
  {
    noun: 'limit',
    before: ['registered limit create --service keystone --default-limit 5 groups'],
    create: '--service keystone --project admin --resource-limit 7 groups',
    key: 'id',
    shown: { resource_name: 'groups', resource_limit: 7, domain_id: null },
    set: '--resource-limit 8 --description second',
    changed: { resource_limit: 8, description: 'second' },
  },
]

const delegations: readonly Row[] = [
  {
    noun: 'application credential',
    create: '--description first --role member robot',
    shown: { name: 'robot', description: 'first', unrestricted: false },
  },
  {
    noun: 'trust',
    create: '--project admin --role member --expiration 2038-01-01T00:00:00 admin demo',
    key: 'id',
    shown: { impersonation: false, expires_at: '2038-01-01T00:00:00.000000Z', deleted_at: null },
  },
  { noun: 'ec2 credentials', create: '--project admin', key: 'access', shown: { trust_id: null } },
  {
    noun: 'consumer',
    create: '--description first',
    key: 'id',
    shown: { description: 'first' },
    set: '--description second',
    changed: { description: 'second' },
  },
]

const federation: readonly Row[] = [
  {
    noun: 'identity provider',
    create: '--remote-id https://idp.example.org --description first idp',
    key: 'id',
    shown: { id: 'idp', enabled: true, remote_ids: ['https://idp.example.org'], description: 'first' },
    set: '--description second --disable',
    changed: { enabled: false, description: 'second' },
  },
  {
    noun: 'mapping',
    create: '--rules rules.json mapping',
    key: 'id',
    shown: { id: 'mapping', rules: files['rules.json'] },
    set: '--rules other-rules.json',
    changed: { rules: files['other-rules.json'] },
  },
  {
    noun: 'federation protocol',
    before: [
      'identity provider create home',
      'mapping create --rules rules.json one',
      'mapping create --rules rules.json two',
    ],
    where: '--identity-provider home',
    create: '--mapping one saml2',
    key: 'id',
    shown: { id: 'saml2', mapping: 'one' },
    set: '--mapping two',
    changed: { mapping: 'two' },
    after: ['identity provider delete home', 'mapping delete one two'],
  },
  {
    noun: 'service provider',
    create: '--auth-url https://sp.example.org/v3 --service-provider-url https://sp.example.org/SAML2 partner',
    key: 'id',
    shown: { id: 'partner', enabled: true, auth_url: 'https://sp.example.org/v3', relay_state_prefix: 'ss:mem:' },
    set: '--description second --disable',
    changed: { enabled: false, description: 'second' },
  },
]

export const table: readonly Row[] = [...ordinary, ...delegations, ...federation]
