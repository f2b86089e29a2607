import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxiedUrl } from './proxied.ts'

const own = 'http://10.0.0.5:8774'

test('what a proxy in front says of its address is where links lead', () => {
  assert.equal(proxiedUrl({ host: 'evil.example' }, own), own, 'the Host header alone says nothing')
  assert.equal(proxiedUrl({ 'x-forwarded-proto': 'https', host: 'api.example:443' }, own), 'https://api.example:443')
  assert.equal(
    proxiedUrl({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example, inner' }, own),
    'https://api.example',
  )
  assert.equal(
    proxiedUrl({ 'x-forwarded-host': 'api.example', 'x-forwarded-prefix': '/compute' }, own),
    'http://api.example/compute',
  )
  assert.equal(proxiedUrl({ forwarded: 'for=1.2.3.4;proto=https;host="api.example"' }, own), 'https://api.example')
})

test('a header that is no address is passed over', () => {
  const headers = { 'x-forwarded-proto': 'javascript', 'x-forwarded-host': 'a b/"', 'x-forwarded-prefix': '/"><' }
  assert.equal(proxiedUrl(headers, own), own)
})
