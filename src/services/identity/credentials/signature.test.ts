import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ec2Signature, msOf, s3DateOf, s3Signature } from './signature.ts'

const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

test('version 4: the example of the signing documentation (IAM ListUsers)', () => {
  const request = {
    verb: 'GET',
    host: 'iam.amazonaws.com',
    path: '/',
    params: { Action: 'ListUsers', Version: '2010-05-08' },
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
      'X-Amz-Date': '20150830T123600Z',
      Host: 'iam.amazonaws.com',
      Authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=x',
    },
    body_hash: empty,
  }
  assert.equal(ec2Signature(request, secret), '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7')
  assert.notEqual(ec2Signature({ ...request, path: '/other' }, secret), ec2Signature(request, secret))
})

test('versions 0, 1 and 2 of the same parameters differ, and each depends on what it signs', () => {
  const base = { verb: 'GET', host: 'h', path: '/p', headers: {} }
  const params = { Action: 'X', Timestamp: '2026-01-01T00:00:00Z', SignatureMethod: 'HmacSHA256' }
  const signatures = ['0', '1', '2'].map((version) =>
    ec2Signature({ ...base, params: { ...params, SignatureVersion: version } }, secret),
  )
  assert.equal(new Set(signatures).size, 3)
  const version2 = { ...params, SignatureVersion: '2' }
  assert.notEqual(signatures[2], ec2Signature({ ...base, host: 'other', params: version2 }, secret))
  assert.equal(ec2Signature({ ...base, params: {} }, secret), undefined)
})

test('S3: strings to sign of both forms, and what is neither', () => {
  const v4 = Buffer.from(`AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/s3/aws4_request\n${empty}`)
  assert.match(s3Signature(v4, secret) ?? '', /^[0-9a-f]{64}$/)
  assert.equal(s3DateOf(v4), '20150830T123600Z')
  assert.equal(s3Signature(Buffer.from(v4.toString().replace('/s3/', '/ec2/')), secret), undefined)
  assert.equal(s3Signature(Buffer.from('AWS4-HMAC-SHA256\nx'), secret), undefined)
  // The example of the REST authentication documentation.
  const v1 = Buffer.from('GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg')
  assert.equal(s3Signature(v1, 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'), 'qgk2+6Sv9/oM7G3qLEjTH1a1l1g=')
})

test('signed times', () => {
  assert.equal(msOf('20150830T123600Z'), Date.UTC(2015, 7, 30, 12, 36))
  assert.equal(msOf('2015-08-30T12:36:00'), Date.UTC(2015, 7, 30, 12, 36))
  assert.ok(Number.isNaN(msOf('yesterday')))
})
