/** The enveloped signature of an assertion: RSA or ECDSA with SHA-256 over the exclusive canonical form. */
import { createHash, sign, type KeyObject } from 'node:crypto'
import { names } from './names.ts'
import { element, text, type Xml } from './xml.ts'

export interface SigningPair {
  readonly key: KeyObject
  /** The certificate's DER in base64, as it stands in KeyInfo. */
  readonly certificate: string
}

/** The `ds:Signature` for the element with that ID, whose canonical form without a signature is `canonical`. */
export function signatureFor(id: string, canonical: Xml, { key, certificate }: SigningPair): Xml {
  const digest = createHash('sha256').update(canonical, 'utf8').digest('base64')
  const isEc = key.asymmetricKeyType === 'ec'
  const reference = element(
    'ds:Reference',
    { URI: `#${id}` },
    element(
      'ds:Transforms',
      {},
      element('ds:Transform', { Algorithm: names.enveloped }),
      element('ds:Transform', { Algorithm: names.exclusive }),
    ),
    element('ds:DigestMethod', { Algorithm: names.sha256 }),
    element('ds:DigestValue', {}, text(digest)),
  )
  const signedInfo = (attributes: Record<string, string>) =>
    element(
      'ds:SignedInfo',
      attributes,
      element('ds:CanonicalizationMethod', { Algorithm: names.exclusive }),
      element('ds:SignatureMethod', { Algorithm: isEc ? names.ecdsaSha256 : names.rsaSha256 }),
      reference,
    )
  // By itself the element must name its namespace; inside ds:Signature it inherits it.
  const signed = signedInfo({ 'xmlns:ds': names.signature })
  const value = sign('sha256', Buffer.from(signed), isEc ? { key, dsaEncoding: 'ieee-p1363' } : key)
  return element(
    'ds:Signature',
    { 'xmlns:ds': names.signature },
    signedInfo({}),
    element('ds:SignatureValue', {}, text(value.toString('base64'))),
    element('ds:KeyInfo', {}, element('ds:X509Data', {}, element('ds:X509Certificate', {}, text(certificate)))),
  )
}
