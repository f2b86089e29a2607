import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startIdentity } from '../../testing/identity.ts'

const proxy = '192.0.2.7'
const path = '/OS-OAUTH2/token'
const grant_type = 'client_credentials'
const skip = existsSync('/usr/bin/openssl') ? false : 'openssl is not installed'

async function setUp(t: TestContext) {
  const identity = await startIdentity(t, `[federation]\ntrusted_proxies = ${proxy}\n`)
  const project = await identity.make('POST', '/projects', { project: { name: 'p' } })
  const joe = await identity.member('joe', project.id)
  const ask = (form: Record<string, string>, headers: Record<string, string> = {}, peer?: string) =>
    identity.request('POST', path, { token: '', form, headers, ...(peer !== undefined && { peer }) })
  return { identity, project, joe, ask }
}

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

test('an application credential is a client of OAuth 2.0', async (t) => {
  const { identity, joe, ask, project } = await setUp(t)
  const body = { application_credential: { name: 'client' } }
  const made = await identity.make<{ id: string; secret: string }>(
    'POST',
    `/users/${joe.id}/application_credentials`,
    body,
    joe.token,
  )
  for (const answer of [
    await ask({ grant_type }, basic(made.id, made.secret)),
    await ask({ grant_type, client_id: made.id, client_secret: made.secret }),
  ]) {
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const { access_token: token, ...rest } = answer.body
    assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 3600 })
    const { body: projects } = await identity.request('GET', '/auth/projects', { token: String(token) })
    assert.deepEqual(
      (projects['projects'] as { id: string }[]).map((each) => each.id),
      [project.id],
    )
  }
})

test('A9: refusals are those of RFC 6749, and tell nothing of the client', async (t) => {
  const { identity, joe, ask } = await setUp(t)
  const body = { application_credential: { name: 'client' } }
  const place = `/users/${joe.id}/application_credentials`
  const made = await identity.make<{ id: string; secret: string }>('POST', place, body, joe.token)
  const wrong = await ask({ grant_type }, basic(made.id, 'wrong'))
  assert.equal(wrong.status, 401)
  assert.equal(wrong.headers['WWW-Authenticate'], 'Keystone uri="http://identity"')
  assert.deepEqual(wrong.body, {
    error: 'invalid_client',
    error_description: 'The request you have made requires authentication.',
  })
  assert.deepEqual((await ask({ grant_type }, basic('unknown', 'wrong'))).body, wrong.body)
  assert.equal((await ask({ grant_type })).status, 401)
  assert.equal((await ask({ grant_type, client_id: made.id })).status, 401)
  const unsupported = await ask({ grant_type: 'password' }, basic(made.id, made.secret))
  assert.equal(unsupported.status, 400)
  assert.equal(unsupported.body['error'], 'unsupported_grant_type')
  const none = await ask({}, basic(made.id, made.secret))
  assert.deepEqual(none.body, { error: 'invalid_request', error_description: 'The parameter grant_type is required.' })
  assert.equal((await ask({ grant_type, more: 'x'.repeat(20_000) })).status, 413)
  assert.equal((await identity.request('GET', path, { token: '' })).status, 405)
})

test('a certificate that a proxy has checked is a client; the token is bound to it', { skip }, async (t) => {
  const { identity, project, joe, ask } = await setUp(t)
  const folder = mkdtempSync(join(tmpdir(), 'nephos-mtls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const certificate = (name: string, subject: string) => {
    const out = join(folder, `${name}.pem`)
    const args = ['req', '-x509', '-nodes', '-days', '2', '-newkey', 'rsa:2048', '-subj', subject, '-out', out]
    assert.equal(spawnSync('openssl', [...args, '-keyout', join(folder, 'key.pem')]).status, 0)
    return readFileSync(out, 'utf8')
  }
  const pem = certificate('joe', '/C=JP/O=Corp/CN=joe')
  const send = (text: string, client_id = joe.id, peer: string | undefined = proxy) =>
    ask({ grant_type, client_id }, { 'ssl-client-cert': text }, peer)

  assert.equal((await send(encodeURIComponent(pem))).status, 401, 'there is no mapping yet')
  const local = [{ user: { name: '{0}', domain: { id: 'default' } } }]
  const remote = [{ type: 'SSL_CLIENT_SUBJECT_DN_CN' }, { type: 'SSL_CLIENT_ISSUER_DN_O', any_one_of: ['Corp'] }]
  await identity.make('PUT', '/OS-FEDERATION/mappings/oauth2_mapping', { mapping: { rules: [{ local, remote }] } })
  assert.equal((await send(encodeURIComponent(pem))).status, 401, 'he has no default project')
  await identity.make('PATCH', `/users/${joe.id}`, { user: { default_project_id: project.id } })

  for (const text of [encodeURIComponent(pem), pem.replaceAll('\n', '\t'), pem.replaceAll('\n', ' ')]) {
    const answer = await send(text)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const token = String(answer.body['access_token'])
    const shown = await identity.request('GET', '/auth/tokens', { headers: { 'x-subject-token': token } })
    const thumbprint = createHash('sha256').update(pem).digest('base64').replaceAll('+', '-').replaceAll('/', '_')
    assert.deepEqual((shown.body as { token: Record<string, unknown> }).token['oauth2_credential'], {
      'x5t#S256': thumbprint,
    })
    const again = await identity.authenticate({ methods: ['token'], token: { id: token } })
    assert.equal(again.status, 403, 'A4: it makes no token that is not bound')
  }
  // A10: only a trusted proxy can say whose certificate it is.
  for (const peer of ['192.0.2.8', '127.0.0.1'])
    assert.equal((await send(encodeURIComponent(pem), joe.id, peer)).status, 401)
  const admin = await identity.make<{ id: string }[]>('GET', '/users?name=admin')
  assert.equal((await send(encodeURIComponent(pem), admin[0]!.id)).status, 401, 'the certificate is not of this user')
  assert.equal((await send(encodeURIComponent(certificate('evil', '/O=Evil/CN=joe')))).status, 401)
  assert.equal((await send('nonsense')).status, 401)
  const anyone = [{ local: [{ group: { name: 'g', domain: { id: 'default' } } }], remote: [remote[1]] }]
  await identity.make('PATCH', '/OS-FEDERATION/mappings/oauth2_mapping', { mapping: { rules: anyone } })
  assert.equal((await send(encodeURIComponent(pem))).status, 401, 'A17: the mapping does not say who it is')
})
