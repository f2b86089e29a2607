import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ecpEnvelope, samlResponse, type AssertionInput } from './assertion.ts'
import { idpMetadata } from './metadata.ts'
import type { SigningPair } from './signature.ts'
import { document, element, text } from './xml.ts'

const noXmlsec = existsSync('/usr/bin/xmlsec1') ? false : 'xmlsec1 is not installed (apt-get install xmlsec1)'
const folder = mkdtempSync(join(tmpdir(), 'nephos-saml-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function makePair(kind: 'rsa' | 'ec'): SigningPair {
  const [key, certificate] = [join(folder, `${kind}.key`), join(folder, `${kind}.pem`)]
  const algorithm = kind === 'rsa' ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const files = ['-keyout', key, '-out', certificate, '-subj', '/CN=idp', '-days', '2']
  const made = spawnSync('openssl', ['req', '-x509', '-nodes', '-newkey', ...algorithm, ...files])
  assert.equal(made.status, 0, made.stderr.toString())
  return {
    key: createPrivateKey(readFileSync(key)),
    certificate: new X509Certificate(readFileSync(certificate)).raw.toString('base64'),
  }
}

const hostile = `<b>&amp;"'\r\n\t]]>\u0001\ud800 ü 漢 𝄞`
const now = Date.UTC(2026, 0, 2, 3, 4, 5)
const input: AssertionInput = {
  issuer: 'https://keystone.example.com/v3/OS-FEDERATION/saml2/idp',
  recipient: 'https://sp.example.com/Shibboleth.sso/SAML2/ECP',
  subject: {
    user: hostile,
    userDomain: 'Default',
    project: 'development & more',
    projectDomain: 'Default',
    roles: ['admin', 'member'],
    groups: ['JSON:{"name":"g1","domain":{"name":"Default"}}'],
  },
  now,
  expiresAt: now + 3_600_000,
}

function verify(xml: string, kind: string) {
  const file = join(folder, `${kind}.xml`)
  writeFileSync(file, xml)
  const options = ['--verify', '--id-attr:ID', 'urn:oasis:names:tc:SAML:2.0:assertion:Assertion']
  return spawnSync('xmlsec1', [...options, '--trusted-pem', join(folder, `${kind}.pem`), file], { encoding: 'utf8' })
}

for (const kind of ['rsa', 'ec'] as const) {
  describe(`xmlsec1 and a signature by ${kind}`, { skip: noXmlsec }, () => {
    let pair: SigningPair
    before(() => (pair = makePair(kind)))

    test('the assertion is good, alone and in an envelope', () => {
      const response = samlResponse(input, pair)
      for (const xml of [document(response), document(ecpEnvelope(response, 'ss:mem:'))]) {
        const result = verify(xml, kind)
        assert.equal(result.status, 0, result.stderr)
      }
    })

    test('a changed assertion is not', () => {
      const xml = document(samlResponse(input, pair))
      for (const [from, to] of [
        ['<saml:AttributeValue>admin<', '<saml:AttributeValue>owner<'],
        ['Recipient="https://sp.', 'Recipient="https://qp.'],
      ] as const) {
        assert.ok(xml.includes(from))
        assert.notEqual(verify(xml.replace(from, to), kind).status, 0)
      }
    })
  })
}

test('the assertion says who, where and until when, and holds no markup of a name', () => {
  const xml: string = samlResponse(input, makePair('rsa'))
  assert.ok(!xml.includes('<b>'))
  assert.match(xml, /NotOnOrAfter="2026-01-02T04:04:05Z"/)
  assert.match(xml, /<saml:Attribute Name="openstack_project"><saml:AttributeValue>development &amp; more</)
  assert.match(xml, /openstack_groups"><saml:AttributeValue>JSON:\{"name":"g1"/)
  const without: string = samlResponse({ ...input, subject: { ...input.subject, groups: [] } }, makePair('rsa'))
  assert.ok(!without.includes('openstack_groups'))
})

test('elements are written in canonical form', () => {
  const attributes = { 'x:b': '2', b: '"\n', 'xmlns:x': 'u', a: '<' }
  assert.equal(
    element('x:e', attributes, text('a<b>&\r')),
    '<x:e xmlns:x="u" a="&lt;" b="&quot;&#xA;" x:b="2">a&lt;b&gt;&amp;&#xD;</x:e>',
  )
})

test('metadata name the entity, its certificate and whom to ask', () => {
  const description = {
    entityId: 'https://idp',
    ssoEndpoint: 'https://idp/sso',
    certificate: 'MIIB',
    lang: 'en',
    organization: { name: 'O', displayName: 'The O', url: 'https://o' },
    contact: { company: 'C', name: 'N', surname: 'S', email: 'e@o', telephone: '1', type: 'other' },
  }
  const xml: string = idpMetadata(description)
  assert.match(xml, /entityID="https:\/\/idp"/)
  assert.match(xml, /<ds:X509Certificate>MIIB</)
  assert.match(xml, /<md:OrganizationDisplayName xml:lang="en">The O</)
  assert.match(xml, /contactType="other"/)
  const bare: string = idpMetadata({ ...description, organization: { ...description.organization, url: '' } })
  assert.ok(!bare.includes('md:Organization'))
})
