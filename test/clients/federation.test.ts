/** Federation and OAuth by the unmodified clients (keystoneauth, keystoneclient, openstack), through a proxy. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { serve } from '../../src/platform/http/server.ts'
import { createLogger } from '../../src/platform/log/log.ts'
import { startIdentity, type TestIdentity } from '../../src/services/identity/testing/identity.ts'

const python = '/usr/bin/python3'
const modules = ['keystoneauth1.extras.oauth1', 'keystoneclient.v3.contrib.oauth1', 'oauthlib', 'openstackclient']
const needed = [python, '/usr/bin/xmlsec1', '/usr/bin/openssl', '/usr/bin/openstack']
const missing = needed.filter((file) => !existsSync(file))
const skip =
  missing.length > 0
    ? `not installed: ${missing.join(', ')}`
    : spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status !== 0
      ? 'needs python3-keystoneauth1, python3-keystoneclient, python3-oauthlib, python3-openstackclient'
      : false

/** The proxy speaks from this address, the clients from another. */
const proxyAddress = '127.0.0.2'
let folder: string

before(() => {
  if (skip) return
  folder = mkdtempSync(join(tmpdir(), 'nephos-federation-'))
  const args = ['req', '-x509', '-nodes', '-days', '2', '-newkey', 'rsa:2048', '-subj', '/CN=idp']
  const made = spawnSync('openssl', [...args, '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')])
  assert.equal(made.status, 0)
})
after(() => {
  if (!skip) rmSync(folder, { recursive: true })
})

interface Cloud {
  identity: TestIdentity
  /** Addresses below /v3. */
  direct: string
  proxied: string
}

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })

async function startCloud(t: TestContext): Promise<Cloud> {
  const free = createServer()
  const port = await listening(free)
  await new Promise((resolve) => free.close(resolve))
  const baseUrl = `http://127.0.0.1:${port}`
  const identity = await startIdentity(
    t,
    `[auth]\nmethods = password,token,oauth1,mapped,openid,saml2,application_credential
[federation]\ntrusted_proxies = ${proxyAddress}
[saml]\ncertfile = ${join(folder, 'cert.pem')}\nkeyfile = ${join(folder, 'key.pem')}\nidp_entity_id = ${baseUrl}/idp\n`,
    baseUrl,
  )
  const log = createLogger({ name: 'identity' })
  const server = await serve(identity.service.apps['identity']!, { host: '127.0.0.1', port, log })
  t.after(() => server.close(0))
  const proxy = createServer((incoming, answer) => {
    void forward(port, incoming)
      .then(({ status, headers, body }) => answer.writeHead(status, headers).end(body))
      .catch((error: unknown) => answer.writeHead(502).end(String(error)))
  })
  const proxied = `http://127.0.0.1:${await listening(proxy)}/v3`
  t.after(() => void proxy.close())
  return { identity, direct: `${baseUrl}/v3`, proxied }
}

/** Who has shown an assertion, by the cookie that he got for it. */
const sessions = new Map<string, Record<string, string>>()

/** What mod_auth_openidc and mod_shib do, as far as these clients need it. */
async function forward(port: number, incoming: IncomingMessage) {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  if (incoming.url === '/v3/SAML2/ECP') return acceptAssertion(body.toString())
  const own = Object.entries(incoming.headers).filter(([name]) => !name.startsWith('x-assertion-'))
  const headers = { ...Object.fromEntries(own), ...assertionOf(incoming) }
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }>((resolve, reject) => {
    const outgoing = httpRequest(
      { port, host: '127.0.0.1', localAddress: proxyAddress, method: incoming.method!, path: incoming.url!, headers },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function assertionOf({ headers }: IncomingMessage): Record<string, string> {
  if (headers.authorization === 'Bearer token-of-alice')
    return { 'x-assertion-sub': 'alice', 'x-assertion-iss': 'https://idp' }
  return sessions.get(/session=(\w+)/.exec(headers.cookie ?? '')?.[1] ?? '') ?? {}
}

function acceptAssertion(xml: string) {
  const file = join(folder, 'received.xml')
  writeFileSync(file, xml)
  const args = ['--id-attr:ID', 'urn:oasis:names:tc:SAML:2.0:assertion:Assertion']
  const verified = spawnSync('xmlsec1', ['--verify', ...args, '--pubkey-cert-pem', join(folder, 'cert.pem'), file])
  assert.equal(verified.status, 0, verified.stderr.toString())
  const valuesOf = (name: string) => {
    const [, inner = ''] = new RegExp(`Name="${name}"[^>]*>(.*?)</saml:Attribute>`, 's').exec(xml) ?? []
    return [...inner.matchAll(/<saml:AttributeValue[^>]*>([^<]*)</g)].map((match) => match[1]!).join(';')
  }
  const id = `s${sessions.size}`
  sessions.set(id, {
    'x-assertion-openstack-user': valuesOf('openstack_user'),
    'x-assertion-openstack-project': valuesOf('openstack_project'),
    'x-assertion-openstack-roles': valuesOf('openstack_roles'),
  })
  return {
    status: 302,
    headers: { 'Set-Cookie': `session=${id}; Path=/`, Location: '/' } as NodeJS.Dict<string | string[]>,
    body: Buffer.alloc(0),
  }
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { PATH: '/usr/bin:/bin', HOME: folder, ...env } })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${command} ${args.join(' ').slice(0, 200)}: ${output}`)),
    )
  })
}

const prelude = `
import sys
from keystoneauth1 import session
from keystoneauth1.identity import v3
s = session.Session()
`

async function withProvider({ identity }: Cloud, protocol: string, local: object[], remote: object[]) {
  await identity.make('PUT', '/OS-FEDERATION/identity_providers/corp', { identity_provider: { enabled: true } })
  await identity.make('PUT', '/OS-FEDERATION/mappings/people', { mapping: { rules: [{ local, remote }] } })
  const path = `/OS-FEDERATION/identity_providers/corp/protocols/${protocol}`
  await identity.make('PUT', path, { protocol: { mapping_id: 'people' } })
}

test('keystoneauth: an access token of OpenID Connect becomes a token for a project', { skip }, async (t) => {
  const cloud = await startCloud(t)
  const local = [{ user: { name: '{0}' } }, { projects: [{ name: 'shared', roles: [{ name: 'member' }] }] }]
  await withProvider(cloud, 'openid', local, [{ type: 'HTTP_X_ASSERTION_SUB' }])
  const output = await run(python, [
    '-c',
    `${prelude}
a = v3.OidcAccessToken(auth_url=sys.argv[1], identity_provider='corp', protocol='openid', access_token='token-of-alice')
print(a.get_access(s).username, s.get(sys.argv[1] + '/OS-FEDERATION/projects', auth=a).json()['projects'][0]['name'])
`,
    cloud.proxied,
  ])
  assert.equal(output.trim(), 'alice shared')
  // Not through the proxy, the same headers are nothing.
  await assert.rejects(
    run(python, [
      '-c',
      `${prelude}
s.additional_headers.update({'X-Assertion-Sub': 'alice'})
a = v3.OidcAccessToken(auth_url=sys.argv[1], identity_provider='corp', protocol='openid', access_token='x')
a.get_access(s)
`,
      cloud.direct,
    ]),
    /HTTP 401/,
  )
})

test('keystoneauth: keystone to keystone, the assertion verified on the way', { skip }, async (t) => {
  const cloud = await startCloud(t)
  const { identity, direct, proxied } = cloud
  const project = await identity.make('POST', '/projects', { project: { name: 'home' } })
  await identity.member('joe', project.id)
  const local = [{ user: { name: '{0}' } }, { projects: [{ name: '{1}', roles: [{ name: 'reader' }] }] }]
  const remote = [
    { type: 'openstack_user' },
    { type: 'openstack_project' },
    { type: 'openstack_roles', any_one_of: ['member'] },
  ]
  await withProvider(cloud, 'saml2', local, remote)
  const auth_url = `${proxied}/OS-FEDERATION/identity_providers/corp/protocols/saml2/auth`
  const service_provider = { enabled: true, auth_url, sp_url: `${proxied}/SAML2/ECP` }
  await identity.make('PUT', '/OS-FEDERATION/service_providers/beta', { service_provider })
  const output = await run(python, [
    '-c',
    `${prelude}
p = v3.Password(auth_url=sys.argv[1], username='joe', password='secret-joe', user_domain_id='default', project_name='home', project_domain_id='default')
k = v3.Keystone2Keystone(p, 'beta')
a = k.get_access(s)
projects = s.get(sys.argv[2] + '/OS-FEDERATION/projects', auth=k).json()['projects']
print(a.username, a.user_domain_id != 'default', [each['name'] for each in projects])
`,
    direct,
    proxied,
  ])
  assert.equal(output.trim(), "joe True ['home']")
})

test('keystoneclient: the three steps of OAuth 1.0a, and a token by it', { skip }, async (t) => {
  const { identity, direct } = await startCloud(t)
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  await identity.member('boss', project.id, 'admin')
  const output = await run(python, [
    '-c',
    `${prelude}
from keystoneauth1.extras import oauth1
from keystoneclient.v3 import client
url, project = sys.argv[1:]
p = v3.Password(auth_url=url, username='boss', password='secret-boss', user_domain_id='default', project_id=project)
c = client.Client(session=session.Session(auth=p), endpoint_override=url)
consumer = c.oauth1.consumers.create(description='program')
request = c.oauth1.request_tokens.create(consumer.id, consumer.secret, project)
role = [each for each in c.roles.list() if each.name == 'reader'][0]
verifier = c.oauth1.request_tokens.authorize(request.key, [role.id]).oauth_verifier
access = c.oauth1.access_tokens.create(consumer.id, consumer.secret, request.key, request.secret, verifier)
a = oauth1.V3OAuth1(url, consumer_key=consumer.id, consumer_secret=consumer.secret, access_key=access.key, access_secret=access.secret)
print(a.get_access(s).role_names, a.get_access(s).project_id == project, a.get_access(s).oauth_consumer_id == consumer.id)
`,
    direct,
    project.id,
  ])
  assert.equal(output.trim(), "['reader'] True True")
})

test('openstack: federation and OAuth commands', { skip }, async (t) => {
  const { direct } = await startCloud(t)
  const env = {
    OS_AUTH_URL: direct,
    OS_USERNAME: 'admin',
    OS_PASSWORD: 'admin-password',
    OS_PROJECT_NAME: 'admin',
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_IDENTITY_API_VERSION: '3',
  }
  const openstack = (...args: string[]) => run('/usr/bin/openstack', args, env)
  const rules = join(folder, 'rules.json')
  writeFileSync(rules, JSON.stringify([{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'sub' }] }]))
  await openstack('identity', 'provider', 'create', 'corp', '--remote-id', 'https://idp', '--description', 'Ours')
  await openstack('mapping', 'create', 'people', '--rules', rules)
  await openstack('federation', 'protocol', 'create', 'openid', '--identity-provider', 'corp', '--mapping', 'people')
  await openstack(
    'service',
    'provider',
    'create',
    'beta',
    '--auth-url',
    'https://b/auth',
    '--service-provider-url',
    'https://b',
  )
  await openstack('identity', 'provider', 'set', 'corp', '--disable')
  await openstack('service', 'provider', 'set', 'beta', '--enable')
  const shown = await openstack('identity', 'provider', 'show', 'corp', '-f', 'json')
  assert.equal((JSON.parse(shown) as { enabled: boolean }).enabled, false)
  assert.match(
    await openstack('federation', 'protocol', 'list', '--identity-provider', 'corp', '-f', 'value'),
    /openid people/,
  )
  assert.match(await openstack('mapping', 'list', '-f', 'value'), /people/)
  assert.match(await openstack('service', 'provider', 'list', '-f', 'value'), /beta True/)
  assert.match(await openstack('federation', 'project', 'list', '-f', 'value', '-c', 'Name'), /admin/)
  assert.match(await openstack('federation', 'domain', 'list', '-f', 'value', '-c', 'Name'), /^$/m)
  await openstack('consumer', 'create', '--description', 'program')
  assert.match(await openstack('consumer', 'list', '-f', 'value'), /program/)
  await openstack('federation', 'protocol', 'delete', 'openid', '--identity-provider', 'corp')
  await openstack('identity', 'provider', 'delete', 'corp')
  await openstack('mapping', 'delete', 'people')
  await openstack('service', 'provider', 'delete', 'beta')
})
