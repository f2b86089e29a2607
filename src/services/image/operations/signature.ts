/** Signed images: the properties img_signature* and the certificate that they name. */
import { constants, X509Certificate } from 'node:crypto'
import { Readable } from 'node:stream'
import type { SignatureStream } from '../../../base/digests/digest-pool.ts'
import type { Context } from '../../../platform/auth/context.ts'
import type { Transport } from '../../../platform/http/client.ts'
import type { FetchCertificate, ImageDeps } from '../deps.ts'
import { InvalidImage } from '../errors.ts'
import type { Image } from '../store/images.ts'

/** From barbican. An id is a UUID; anything else never becomes a path. */
export const barbicanCertificates =
  (keyManager: Transport): FetchCertificate =>
  async (id, token) => {
    if (!/^[0-9a-f-]{36}$/i.test(id)) throw new Error('the id of a certificate is a UUID')
    const request = { method: 'GET', headers: { 'X-Auth-Token': token, Accept: 'application/octet-stream' } }
    const { status, body } = await keyManager.send({ ...request, path: `/v1/secrets/${id}/payload` })
    if (status !== 200) throw new Error(`the key manager answered ${status}`)
    const bytes = body instanceof Readable ? Buffer.concat(await body.toArray()) : Buffer.from(String(body))
    return new X509Certificate(bytes).toString()
  }

/** The certificate (PEM) of a signed image, undefined for others. Throws InvalidImage when it cannot be had. */
export async function certificateFor(
  ctx: Pick<Context, 'token'>,
  deps: Pick<ImageDeps, 'fetchCertificate'>,
  { id, properties }: Image,
): Promise<string | undefined> {
  if (!isSigned(properties)) return undefined
  const certificateId = properties['img_signature_certificate_uuid']!
  return deps.fetchCertificate(certificateId, ctx.token.reveal()).catch((cause: unknown) => {
    throw new InvalidImage(
      `Signature verification failed for image ${id}: Unable to retrieve certificate with ID: ${certificateId}`,
      { cause },
    )
  })
}

export interface SignatureCheck {
  stream: SignatureStream
  /** After the last byte. Throws InvalidImage. */
  verify(): Promise<void>
}

const names = ['img_signature', 'img_signature_hash_method', 'img_signature_key_type', 'img_signature_certificate_uuid']
const hashes: Record<string, string> = {
  'SHA-224': 'sha224',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
}
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

const isSigned = (properties: Image['properties']) => names.every((name) => Object.hasOwn(properties, name))

/** Undefined for an image without a signature. Throws InvalidImage where the signature can never be right. */
export function checkSignatureRequest(
  deps: Pick<ImageDeps, 'digests'>,
  { id, properties }: Image,
  pem: string | undefined,
): SignatureCheck | undefined {
  if (!isSigned(properties)) return undefined
  const fail = (why: string): never => {
    throw new InvalidImage(`Signature verification failed for image ${id}: ${why}`)
  }
  const method = properties['img_signature_hash_method']!
  const keyType = properties['img_signature_key_type']!
  const certificateId = properties['img_signature_certificate_uuid']!
  const algorithm = Object.hasOwn(hashes, method) ? hashes[method]! : fail(`Invalid signature hash method: ${method}`)
  if (!Object.hasOwn(keyTypes, keyType)) fail(`Invalid signature key type: ${keyType}`)
  if (pem === undefined) return fail(`Unable to retrieve certificate with ID: ${certificateId}`)
  const certificate = new X509Certificate(pem)
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
      const given = {
        key: certificate.publicKey.export({ type: 'spki', format: 'pem' }) as string,
        signature: Buffer.from(properties['img_signature']!, 'base64'),
        ...(isPss && { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }),
      }
      const isRight = await stream.verify(given).finally(() => stream.close())
      if (!isRight) fail('Signature verification for the image failed.')
    },
  }
}
