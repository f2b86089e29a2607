import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { constants, createSign, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Transport } from '../../../platform/http/client.ts'
import { startImage, type TestImage } from '../testing/image.ts'

const data = randomBytes(1_200_000)
const rsaId = '00000000-0000-4000-8000-0000000000aa'
const ecId = '00000000-0000-4000-8000-0000000000bb'
const oldId = '00000000-0000-4000-8000-0000000000cc'
let folder: string
let glance: TestImage
const asked: (string | undefined)[] = []

function makeCertificate(name: string, key: readonly string[], days = '10') {
  const at = (end: string) => join(folder, `${name}.${end}`)
  const subject = ['-subj', `/CN=${name}`, '-keyout', at('key'), '-out', at('crt'), '-nodes', '-days', days]
  execFileSync('openssl', ['req', '-x509', '-newkey', ...key, ...subject], { stdio: 'ignore' })
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nephos-signature-'))
  makeCertificate('rsa', ['rsa:2048'])
  makeCertificate('ec', ['ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'])
  const files: Record<string, string> = { [rsaId]: 'rsa.crt', [ecId]: 'ec.crt', [oldId]: 'rsa.key' }
  const barbican: Transport = {
    send({ path, headers }) {
      asked.push(headers?.['X-Auth-Token'])
      const file = files[path.split('/')[3] ?? '']
      return Promise.resolve(
        file === undefined
          ? { status: 404, headers: {}, body: {} }
          : { status: 200, headers: {}, body: readFileSync(join(folder, file), 'utf8') },
      )
    },
  }
  glance = await startImage({ others: { 'key-manager': barbican } })
})
after(async () => {
  await glance.stop()
  rmSync(folder, { recursive: true })
})

const key = (name: string) => readFileSync(join(folder, `${name}.key`), 'utf8')
const pss = (bytes: Buffer) =>
  sign('sha256', bytes, {
    key: key('rsa'),
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN,
  }).toString('base64')

const properties = (signature: string, more: Record<string, string> = {}) => ({
  img_signature: signature,
  img_signature_hash_method: 'SHA-256',
  img_signature_key_type: 'RSA-PSS',
  img_signature_certificate_uuid: rsaId,
  ...more,
})

async function upload(attributes: Record<string, string>) {
  const { id } = await glance.create(attributes, 'alice')
  const answer = await glance.call('PUT', `/images/${id}/file`, { data, token: 'alice' })
  return { ...answer, image: await glance.must('GET', `/images/${id}`) }
}

test('an image that is signed as it says is taken, with the certificate fetched as its uploader', async () => {
  const { status, image, message } = await upload(properties(pss(data)))
  assert.deepEqual([status, image.status], [204, 'active'], message)
  assert.equal(asked.at(-1), 'alice')
  const ec = createSign('sha384').update(data).sign(key('ec')).toString('base64')
  const other = await upload(
    properties(ec, {
      img_signature_hash_method: 'SHA-384',
      img_signature_key_type: 'ECC_SECP384R1',
      img_signature_certificate_uuid: ecId,
    }),
  )
  assert.equal(other.status, 204, other.message)
})

test('anything else is refused and not kept', async () => {
  const right = pss(data)
  const cases: [Record<string, string>, RegExp][] = [
    [properties(pss(Buffer.from('other'))), /Signature verification for the image failed/],
    [properties(right, { img_signature_hash_method: 'MD5' }), /Invalid signature hash method/],
    [properties(right, { img_signature_key_type: 'ROT13' }), /Invalid signature key type/],
    [properties(right, { img_signature_key_type: 'ECC_SECP384R1' }), /public key type/],
    [properties(right, { img_signature_certificate_uuid: '../../v1/secrets' }), /Unable to retrieve certificate/],
    [
      properties(right, { img_signature_certificate_uuid: '00000000-0000-4000-8000-000000000000' }),
      /Unable to retrieve/,
    ],
    [properties(right, { img_signature_certificate_uuid: oldId }), /Unable to retrieve/],
    [properties('not base64!'), /failed/],
  ]
  for (const [attributes, message] of cases) {
    const { status, image, message: said } = await upload(attributes)
    assert.equal(status, 400, said)
    assert.match(said, message)
    assert.deepEqual([image.status, image.stores], ['queued', undefined])
  }
})

test('an import checks the signature too', async () => {
  for (const [signature, status] of [
    [pss(data), 'active'],
    [pss(Buffer.from('other')), 'queued'],
  ] as const) {
    const { id } = await glance.create(properties(signature), 'alice')
    await glance.must('PUT', `/images/${id}/stage`, { data, token: 'alice' })
    await glance.must('POST', `/images/${id}/import`, { json: { method: { name: 'glance-direct' } }, token: 'alice' })
    const image = await glance.until(
      id,
      (each) => each['os_glance_import_task'] === undefined && each.status !== 'importing',
    )
    assert.equal(image.status, status)
  }
})
