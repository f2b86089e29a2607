import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { samlIdpMetadata } from '../../operations/saml.ts'
import { openTestDeps } from '../../testing/open-deps.ts'
import { startIdentity } from '../../testing/identity.ts'

const missing = ['/usr/bin/xmlsec1', '/usr/bin/openssl'].filter((file) => !existsSync(file))
const skip = missing.length > 0 ? `${missing.join(' and ')} not installed` : false

describe('this cloud as an identity provider', { skip }, () => {
  let folder: string
  let configuration: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'nephos-idp-'))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const args = ['req', '-x509', '-nodes', '-days', '2', '-newkey', 'rsa:2048', '-subj', '/CN=idp']
    assert.equal(spawnSync('openssl', [...args, '-keyout', key, '-out', cert]).status, 0)
    configuration = `[saml]\ncertfile = ${cert}\nkeyfile = ${key}\nidp_entity_id = https://us/idp\nidp_sso_endpoint = https://us/sso\nidp_metadata_path = ${join(folder, 'metadata.xml')}\n`
  })
  after(() => rmSync(folder, { recursive: true }))

  const isSigned = (xml: string): boolean => {
    const file = join(folder, 'response.xml')
    writeFileSync(file, xml)
    const id = '--id-attr:ID urn:oasis:names:tc:SAML:2.0:assertion:Assertion'.split(' ')
    const trust = ['--pubkey-cert-pem', join(folder, 'cert.pem')]
    return spawnSync('xmlsec1', ['--verify', ...id, ...trust, file]).status === 0
  }

  test('a token becomes an assertion that a service provider can verify, plain and by ECP', async (t) => {
    const identity = await startIdentity(t, configuration)
    const project = await identity.make('POST', '/projects', { project: { name: 'p<1>' } })
    const joe = await identity.member('joe', project.id)
    const group = await identity.make('POST', '/groups', { group: { name: 'devs' } })
    await identity.make('PUT', `/groups/${group.id}/users/${joe.id}`)
    const service_provider = { auth_url: 'https://sp/auth', sp_url: 'https://sp/SAML2', enabled: true }
    await identity.make('PUT', '/OS-FEDERATION/service_providers/sp', { service_provider })
    const ask = (token: string, id = 'sp', path = '/auth/OS-FEDERATION/saml2') =>
      identity.request('POST', path, {
        token: '',
        body: { auth: { identity: { methods: ['token'], token: { id: token } }, scope: { service_provider: { id } } } },
      })
    const answer = await ask(joe.token)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    assert.equal(answer.headers['Content-Type'], 'text/xml')
    assert.equal(answer.headers['X-sp-url'], 'https://sp/SAML2')
    assert.equal(answer.headers['X-auth-url'], 'https://sp/auth')
    const xml = String(answer.body)
    assert.ok(isSigned(xml))
    assert.ok(!isSigned(xml.replace('>joe<', '>admin<')))
    assert.match(xml, /p&lt;1&gt;/)
    assert.match(xml, /JSON:\{"name":"devs","domain":\{"name":"Default"\}\}/)
    const ecp = await ask(joe.token, 'sp', '/auth/OS-FEDERATION/saml2/ecp')
    assert.equal(ecp.status, 200)
    assert.match(String(ecp.body), /Envelope.*ss:mem:/s)
    assert.ok(isSigned(String(ecp.body)))

    const shown = await identity.request('GET', '/auth/tokens', { headers: { 'x-subject-token': joe.token } })
    const listed = (shown.body as { token: { service_providers: object[] } }).token.service_providers
    assert.equal(
      JSON.stringify(listed),
      JSON.stringify([{ id: 'sp', auth_url: 'https://sp/auth', sp_url: 'https://sp/SAML2' }]),
    )

    assert.equal((await ask('nonsense')).status, 401)
    assert.equal((await ask(joe.token, 'none')).status, 404)
    const unscoped = await identity.login('joe', 'secret-joe', 'unscoped')
    assert.equal((await ask(unscoped)).status, 403)
    await identity.make('PATCH', '/OS-FEDERATION/service_providers/sp', { service_provider: { enabled: false } })
    const disabled = await ask(joe.token)
    assert.equal(disabled.status, 403)
    assert.match(JSON.stringify(disabled.body), /Service Provider sp is disabled/)
  })

  test('A4: a token that is limited to some requests is not asserted to others', async (t) => {
    const identity = await startIdentity(t, configuration)
    const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
    const joe = await identity.member('joe', project.id)
    const service_provider = { auth_url: 'https://sp/auth', sp_url: 'https://sp/SAML2', enabled: true }
    await identity.make('PUT', '/OS-FEDERATION/service_providers/sp', { service_provider })
    const access_rules = [{ service: 'compute', method: 'GET', path: '/v2.1/servers' }]
    const application_credential = await identity.make<{ id: string; secret: string }>(
      'POST',
      `/users/${joe.id}/application_credentials`,
      { application_credential: { name: 'few', access_rules } },
      joe.token,
    )
    const { id, secret } = application_credential
    const login = await identity.authenticate({
      methods: ['application_credential'],
      application_credential: { id, secret },
    })
    const token = { id: login.headers['X-Subject-Token']! }
    const auth = { identity: { token }, scope: { service_provider: { id: 'sp' } } }
    const answer = await identity.request('POST', '/auth/OS-FEDERATION/saml2', { token: '', body: { auth } })
    assert.equal(answer.status, 403)
  })

  test('metadata are the file that saml_idp_metadata has written', async (t) => {
    const identity = await startIdentity(t, configuration)
    const get = () => identity.request('GET', '/OS-FEDERATION/saml2/metadata', { token: '' })
    assert.equal((await get()).status, 500)
    writeFileSync(join(folder, 'metadata.xml'), '<md/>')
    const answer = await get()
    assert.equal(answer.status, 200)
    assert.equal(answer.body as unknown, readFileSync(join(folder, 'metadata.xml'), 'utf8'))
    assert.equal(answer.headers['Content-Type'], 'text/xml')
  })

  test('saml_idp_metadata prints what other clouds must know, or which option is missing', async (t) => {
    const { deps } = await openTestDeps(t, configuration)
    const xml = samlIdpMetadata(deps.config)
    assert.match(xml, /entityID="https:\/\/us\/idp"/)
    assert.match(xml, /Location="https:\/\/us\/sso"/)
    const certificate = readFileSync(join(folder, 'cert.pem'), 'utf8').replace(/-----[A-Z ]+-----|\s/g, '')
    assert.ok(xml.includes(certificate))
    for (const name of ['idp_entity_id', 'idp_sso_endpoint']) {
      const other = await openTestDeps(t, configuration.replace(new RegExp(`${name} = .*`), ''))
      assert.throws(() => samlIdpMetadata(other.deps.config), new RegExp(name))
    }
  })

  test('a cloud that has no key to sign with says which option to set', async (t) => {
    const identity = await startIdentity(t, configuration.replace('key.pem', 'none.pem'))
    const service_provider = { auth_url: 'https://sp/auth', sp_url: 'https://sp/SAML2', enabled: true }
    await identity.make('PUT', '/OS-FEDERATION/service_providers/sp', { service_provider })
    const auth = { identity: { token: { id: identity.admin } }, scope: { service_provider: { id: 'sp' } } }
    const answer = await identity.request('POST', '/auth/OS-FEDERATION/saml2', { token: '', body: { auth } })
    assert.equal(answer.status, 500)
    assert.match(JSON.stringify(answer.body), /keyfile/)
    assert.doesNotMatch(JSON.stringify(answer.body), /none\.pem/)
  })
})
