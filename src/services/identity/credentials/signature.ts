/**
 * Signatures of EC2 requests (versions 0, 1, 2 and 4) and of S3 requests, made anew from the secret. Sources: AWS's
 * documentation of the signing processes, and keystoneclient's Ec2Signer for what services send.
 */
import { createHash, createHmac } from 'node:crypto'

/** A signed EC2 request as a service passes it on. */
export interface SignedRequest {
  host: string
  verb: string
  path: string
  params: Readonly<Record<string, string>>
  headers: Readonly<Record<string, string>>
  body_hash?: string
}

const hmac = (algorithm: string, key: string | Buffer, text: string): Buffer =>
  createHmac(algorithm, key).update(text).digest()

// As Python's quote(safe='-_~'): everything else becomes %XX.
const quote = (text: string) =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)

const byKey = (a: readonly [string, string], b: readonly [string, string]) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)

/** The signature that the request must have; undefined when its form is none of those known. */
export function ec2Signature(request: SignedRequest, secret: string): string | undefined {
  const { params } = request
  switch (params['SignatureVersion']) {
    case '0':
      return hmac('sha1', secret, `${params['Action'] ?? ''}${params['Timestamp'] ?? ''}`).toString('base64')
    case '1':
      return version1(params, secret)
    case '2':
      return version2(request, secret)
    default:
      return version4(request, secret)
  }
}

function version1(params: SignedRequest['params'], secret: string): string {
  const pairs = Object.entries(params).sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
  return hmac('sha1', secret, pairs.map(([key, value]) => key + value).join('')).toString('base64')
}

function version2({ verb, host, path, params }: SignedRequest, secret: string): string {
  const query = Object.entries(params)
    .sort(byKey)
    .map(([key, value]) => `${quote(key)}=${quote(value)}`)
    .join('&')
  const algorithm = params['SignatureMethod'] === 'HmacSHA1' ? 'sha1' : 'sha256'
  return hmac(algorithm, secret, [verb.toUpperCase(), host, path, query].join('\n')).toString('base64')
}

/** What version 4 says about itself: in the Authorization header, or in the query of a presigned address. */
function partsOf4({ headers, params }: SignedRequest): { credential: string; signedHeaders: string } | undefined {
  const header = headers['Authorization'] ?? ''
  if (header.startsWith('AWS4-HMAC-SHA256')) {
    const part = (name: string) => new RegExp(`${name}=([^,\\s]+)`).exec(header)?.[1] ?? ''
    return { credential: part('Credential'), signedHeaders: part('SignedHeaders') }
  }
  if (params['X-Amz-Algorithm'] !== 'AWS4-HMAC-SHA256') return undefined
  return { credential: params['X-Amz-Credential'] ?? '', signedHeaders: params['X-Amz-SignedHeaders'] ?? '' }
}

function version4(request: SignedRequest, secret: string): string | undefined {
  const parts = partsOf4(request)
  const [, day, region, service, end] = parts?.credential.split('/') ?? []
  const date = dateOf(request)
  if (!parts || !day || !region || !service || end !== 'aws4_request' || !date) return undefined
  const { verb, path, params, headers } = request
  const query =
    verb.toUpperCase() === 'POST'
      ? ''
      : Object.entries(params)
          .filter(([key]) => key !== 'X-Amz-Signature')
          .sort(byKey)
          .map(([key, value]) => `${quote(key)}=${quote(value)}`)
          .join('&')
  const lower = new Map(Object.entries(headers).map(([key, value]) => [key.toLowerCase().trim(), value.trim()]))
  const canonicalHeaders = parts.signedHeaders
    .split(';')
    .map((name) => `${name}:${name === 'host' ? (lower.get('host') ?? request.host) : (lower.get(name) ?? '')}\n`)
    .join('')
  const canonical = [verb.toUpperCase(), path, query, canonicalHeaders, parts.signedHeaders, request.body_hash ?? '']
  const hash = createHash('sha256').update(canonical.join('\n')).digest('hex')
  const text = ['AWS4-HMAC-SHA256', date, `${day}/${region}/${service}/${end}`, hash].join('\n')
  return hmac('sha256', key4(secret, day, region, service), text).toString('hex')
}

const key4 = (secret: string, day: string, region: string, service: string): Buffer =>
  [region, service, 'aws4_request'].reduce(
    (key, part) => hmac('sha256', key, part),
    hmac('sha256', `AWS4${secret}`, day),
  )

/** The time that is signed, as the request writes it; undefined when it has none. */
export const dateOf = ({ params, headers }: Pick<SignedRequest, 'params' | 'headers'>): string | undefined =>
  params['Timestamp'] ?? headers['X-Amz-Date'] ?? params['X-Amz-Date']

const s3Services = ['s3', 'iam', 'sts']

/** The signature of an S3 request by its string to sign; undefined when that has no known form. */
export function s3Signature(stringToSign: Buffer, secret: string): string | undefined {
  if (stringToSign.subarray(0, 4).toString() !== 'AWS4')
    return createHmac('sha1', secret).update(stringToSign).digest('base64')
  const lines = stringToSign.toString('latin1').split('\n')
  const [day, region, service, end, more] = lines[2]?.split('/') ?? []
  if (lines.length !== 4 || lines[0] !== 'AWS4-HMAC-SHA256' || more !== undefined || end !== 'aws4_request') return
  if (!day || region === undefined || !service || !s3Services.includes(service)) return undefined
  return createHmac('sha256', key4(secret, day, region, service))
    .update(stringToSign)
    .digest('hex')
}

/** The date that a version 4 string to sign holds. */
export const s3DateOf = (stringToSign: Buffer): string | undefined =>
  stringToSign.subarray(0, 4).toString() === 'AWS4' ? stringToSign.toString('latin1').split('\n')[1] : undefined

/** Milliseconds of a signed time, ISO 8601 in its long or its short form; NaN for anything else. */
export function msOf(date: string): number {
  const short = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date)
  const text = short ? `${short[1]}-${short[2]}-${short[3]}T${short[4]}:${short[5]}:${short[6]}Z` : date
  return Date.parse(/Z$|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`)
}
