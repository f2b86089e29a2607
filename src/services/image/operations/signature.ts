/** Signed images: the properties img_signature* and the certificate that they name. */
import { constants, X509Certificate } from 'node:crypto'
import type { SignatureStream } from '../../../base/digests/digest-pool.ts'
import type { ImageDeps } from '../deps.ts'
import { InvalidImage } from '../errors.ts'
import type { Image } from '../store/images.ts'

/** Fetches a certificate (PEM or DER) from the key manager; rejects when it cannot be had. */
export type FetchCertificate = (id: string) => Promise<string | Uint8Array>

export interface SignatureCheck {
  stream: SignatureStream
  /** After the last byte. Throws InvalidImage. */
  verify(): Promise<void>
}

const names = ['img_signature', 'img_signature_hash_method', 'img_signature_key_type', 'img_signature_certificate_uuid']
const hashes: Record<string, string> = { 'SHA-224': 'sha224', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' }
const keyTypes: Record<string, string> = {
  'RSA-PSS': 'rsa',
  DSA: 'dsa',
  ECC_SECT571K1: 'ec',
  ECC_SECT409K1: 'ec',
  ECC_SECT571R1: 'ec',
  ECC_SECT409R1: 'ec',
  ECC_SECP521R1: 'ec',
  ECC_SECP384R1: 'ec',
}

/** Undefined for an image without all four properties. Throws InvalidImage where the signature can never be right. */
export async function checkSignatureRequest(
  deps: Pick<ImageDeps, 'digests' | 'fetchCertificate'>,
  { id, properties }: Image,
): Promise<SignatureCheck | undefined> {
  if (!names.every((name) => Object.hasOwn(properties, name))) return undefined
  const fail = (why: string): never => {
    throw new InvalidImage(`Signature verification failed for image ${id}: ${why}`)
  }
  const method = properties['img_signature_hash_method']!
  const keyType = properties['img_signature_key_type']!
  const certificateId = properties['img_signature_certificate_uuid']!
  const algorithm = Object.hasOwn(hashes, method) ? hashes[method]! : fail(`Invalid signature hash method: ${method}`)
  if (!Object.hasOwn(keyTypes, keyType)) fail(`Invalid signature key type: ${keyType}`)
  const certificate = await deps
    .fetchCertificate(certificateId)
    .then((data) => new X509Certificate(data))
    .catch(() => fail(`Unable to retrieve certificate with ID: ${certificateId}`))
  const now = Date.now()
  if (now < Date.parse(certificate.validFrom) || now > Date.parse(certificate.validTo))
    fail(`Certificate is not valid now: ${certificateId}`)
  if (certificate.publicKey.asymmetricKeyType !== keyTypes[keyType])
    fail(`Invalid public key type for signature key type: ${keyType}`)
  const stream = deps.digests.openSignature(algorithm)
  const isPss = keyType === 'RSA-PSS'
  return {
    stream,
    async verify() {
      const isRight = await stream.verify({
        key: certificate.publicKey.export({ type: 'spki', format: 'pem' }) as string,
        signature: Buffer.from(properties['img_signature']!, 'base64'),
        ...(isPss && { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }),
      })
      if (!isRight) fail('Signature verification for the image failed.')
    },
  }
}
