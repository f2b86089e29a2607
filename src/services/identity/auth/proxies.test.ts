import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TrustedProxies } from './proxies.ts'

const defaults = {
  trustedProxies: ['192.0.2.7', '10.0.0.0/8', '2001:db8::/32'],
  assertionHeaderPrefix: 'X-Assertion-',
  assertionPrefix: '',
  remoteUserHeader: 'X-Remote-User',
  remoteDomainHeader: '',
  clientCertificateHeader: 'ssl-client-cert',
}

test('A10, A16: without configured proxies nobody is trusted, this machine neither', () => {
  const proxies = new TrustedProxies({ ...defaults, trustedProxies: [] })
  for (const peer of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '', undefined])
    assert.equal(proxies.isTrusted(peer), false, peer)
})

test('addresses and networks of both families', () => {
  const proxies = new TrustedProxies(defaults)
  for (const peer of ['192.0.2.7', '::ffff:192.0.2.7', '10.255.0.1', '2001:db8:1::5'])
    assert.ok(proxies.isTrusted(peer))
  for (const peer of ['192.0.2.8', '11.0.0.1', '2001:db9::1', '10.0.0.1.evil', '192.0.2.7 '])
    assert.equal(proxies.isTrusted(peer), false, peer)
})

test('what is no network, and a prefix that would trust every header, stop the start', () => {
  for (const text of ['proxy', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '10.0.0.0/-1'])
    assert.throws(() => new TrustedProxies({ ...defaults, trustedProxies: [text] }), /trusted_proxies/)
  assert.throws(() => new TrustedProxies({ ...defaults, assertionHeaderPrefix: '' }), /assertion_header_prefix/)
})

const assertionOf = (headers: Record<string, string>, config: Partial<typeof defaults> = {}) =>
  new TrustedProxies({ ...defaults, ...config }).assertionOf({ headers, peer: '192.0.2.7' })

test('attributes are found by the names that mappings use, whatever a header can keep of them', () => {
  const assertion = assertionOf({ 'x-assertion-openstack-user': 'joe', 'x-other': 'no' })
  for (const name of ['openstack_user', 'OPENSTACK-USER', 'HTTP_X_ASSERTION_OPENSTACK_USER'])
    assert.equal(assertion.attribute(name), 'joe', name)
  assert.equal(assertion.attribute('other'), undefined)
  assert.equal(assertion.attribute('HTTP_X_OTHER'), undefined)
  const oidc = assertionOf({ 'oidc-iss': 'https://idp', oidc_claim_email: 'no' }, { assertionHeaderPrefix: 'OIDC-' })
  assert.equal(oidc.attribute('HTTP_OIDC_ISS'), 'https://idp')
  assert.equal(oidc.attribute('HTTP_OIDC_CLAIM_EMAIL'), undefined)
  const claims = assertionOf({ oidc_claim_email: 'a@b' }, { assertionHeaderPrefix: 'OIDC_CLAIM_' })
  assert.equal(claims.attribute('OIDC_CLAIM_email'), 'a@b')
})

test('REMOTE_USER is what its own header says, never an attribute of that name', () => {
  assert.equal(assertionOf({ 'x-assertion-remote-user': 'evil' }).attribute('REMOTE_USER'), undefined)
  const { attribute, remoteUser } = assertionOf({ 'x-remote-user': 'joe', 'x-assertion-remote-user': 'evil' })
  assert.equal(attribute('REMOTE_USER'), 'joe')
  assert.equal(remoteUser, 'joe')
  assert.equal(assertionOf({ 'x-remote-user': 'joe' }, { remoteUserHeader: '' }).remoteUser, undefined)
  assert.equal(assertionOf({ 'x-remote-user': '(null)' }).remoteUser, undefined, 'what Apache writes for nobody')
})

test('assertion_prefix limits the names', () => {
  const assertion = assertionOf(
    { 'x-assertion-mellon-name': 'a', 'x-assertion-name': 'b' },
    { assertionPrefix: 'MELLON_' },
  )
  assert.equal(assertion.attribute('MELLON_NAME'), 'a')
  assert.equal(assertion.attribute('NAME'), undefined)
})

test('UTF-8 in headers becomes text again', () => {
  const latin1 = Buffer.from('Zoë', 'utf8').toString('latin1')
  assert.equal(assertionOf({ 'x-assertion-name': latin1 }).attribute('name'), 'Zoë')
  assert.equal(assertionOf({ 'x-assertion-name': 'Zo\u00eb' }).attribute('name'), 'Zoë')
})
