/** What this cloud asserts of a user to another: a signed SAML 2.0 assertion, alone or in an ECP envelope. */
import { randomBytes } from 'node:crypto'
import { names } from './names.ts'
import { signatureFor, type SigningPair } from './signature.ts'
import { element, join, text, type Xml } from './xml.ts'

export interface Subject {
  readonly user: string
  readonly userDomain: string
  readonly project: string
  readonly projectDomain: string
  readonly roles: readonly string[]
  /** `JSON:{"name":…,"domain":{"name":…}}` each. */
  readonly groups: readonly string[]
}

export interface AssertionInput {
  readonly issuer: string
  /** Address of the service provider that it is for. */
  readonly recipient: string
  readonly subject: Subject
  readonly now: number
  readonly expiresAt: number
}

const newId = () => `_${randomBytes(16).toString('hex')}`
const instant = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`

const issuerOf = (issuer: string, attributes: Record<string, string> = {}) =>
  element('saml:Issuer', { ...attributes, Format: names.entity }, text(issuer))

const attribute = (name: string, values: readonly string[]): Xml =>
  element('saml:Attribute', { Name: name }, ...values.map((value) => element('saml:AttributeValue', {}, text(value))))

function statements({ issuer, recipient, subject, now, expiresAt }: AssertionInput): Xml {
  const end = instant(expiresAt)
  const who = element(
    'saml:Subject',
    {},
    element('saml:NameID', {}, text(subject.user)),
    element(
      'saml:SubjectConfirmation',
      { Method: names.bearer },
      element('saml:SubjectConfirmationData', { NotOnOrAfter: end, Recipient: recipient }),
    ),
  )
  const how = element(
    'saml:AuthnStatement',
    { AuthnInstant: instant(now), SessionIndex: newId(), SessionNotOnOrAfter: end },
    element(
      'saml:AuthnContext',
      {},
      element('saml:AuthnContextClassRef', {}, text(names.password)),
      element('saml:AuthenticatingAuthority', {}, text(issuer)),
    ),
  )
  const what = element(
    'saml:AttributeStatement',
    {},
    attribute('openstack_user', [subject.user]),
    attribute('openstack_roles', subject.roles),
    attribute('openstack_project', [subject.project]),
    attribute('openstack_project_domain', [subject.projectDomain]),
    attribute('openstack_user_domain', [subject.userDomain]),
    ...(subject.groups.length > 0 ? [attribute('openstack_groups', subject.groups)] : []),
  )
  return join(who, how, what)
}

function signedAssertion(input: AssertionInput, pair: SigningPair): Xml {
  const id = newId()
  const attributes = { 'xmlns:saml': names.assertion, ID: id, IssueInstant: instant(input.now), Version: '2.0' }
  const issuer = issuerOf(input.issuer)
  const rest = statements(input)
  const signature = signatureFor(id, element('saml:Assertion', attributes, issuer, rest), pair)
  return element('saml:Assertion', attributes, issuer, signature, rest)
}

/** A `samlp:Response` that holds the signed assertion. */
export function samlResponse(input: AssertionInput, pair: SigningPair): Xml {
  return element(
    'samlp:Response',
    {
      'xmlns:samlp': names.protocol,
      Destination: input.recipient,
      ID: newId(),
      IssueInstant: instant(input.now),
      Version: '2.0',
    },
    issuerOf(input.issuer, { 'xmlns:saml': names.assertion }),
    element('samlp:Status', {}, element('samlp:StatusCode', { Value: names.success })),
    signedAssertion(input, pair),
  )
}

/** The response in the envelope that a client without a browser carries to the service provider. */
export function ecpEnvelope(response: Xml, relayStatePrefix: string): Xml {
  const relayState = element(
    'ecp:RelayState',
    { 'xmlns:ecp': names.ecp, 'soap:actor': names.soapNext, 'soap:mustUnderstand': '1' },
    text(relayStatePrefix + randomBytes(16).toString('hex')),
  )
  return element(
    'soap:Envelope',
    { 'xmlns:soap': names.soap },
    element('soap:Header', {}, relayState),
    element('soap:Body', {}, response),
  )
}
