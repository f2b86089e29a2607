import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseString, parseOAuthHeader, problemOf, signatureOf } from './signature.ts'

// The example of RFC 5849, section 3.4.1, without its form body.
const header =
  'OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", ' +
  'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a", ' +
  'oauth_signature="djosJKDKJSD8743243%2Fjdk33klY%3D"'

test('the text that is signed is that of RFC 5849', () => {
  const params = parseOAuthHeader(header)!
  assert.equal(params.get('oauth_signature'), 'djosJKDKJSD8743243/jdk33klY=')
  const text = baseString('post', 'HTTP://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b&a3=2+q&c2=', params)
  assert.equal(
    text,
    'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q' +
      '%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_' +
      'key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_m' +
      'ethod%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk' +
      '9d7dh3k39sjv7',
  )
})

test('the signature is the one that oauthlib makes', () => {
  const params = parseOAuthHeader(
    'OAuth oauth_nonce="137131200", oauth_timestamp="1700000000", oauth_version="1.0", ' +
      'oauth_signature_method="HMAC-SHA1", oauth_consumer_key="0123456789abcdef0123456789abcdef", ' +
      'oauth_token="abcdefabcdefabcdefabcdefabcdefab", oauth_callback="oob", ' +
      'oauth_signature="%2F3ayI%2Fia2511vWtn6nF0pUBM%2FrI%3D"',
  )!
  const text = baseString('POST', 'https://photos.example.net/v3/auth/tokens?nocatalog&x=a%20b', params)
  const secrets = { client: 'kd94hf93k423kf44', token: 's&e c' }
  assert.equal(signatureOf(params, text, secrets), params.get('oauth_signature'))
})

const good = {
  oauth_signature: 'x',
  oauth_consumer_key: '0123456789abcdef0123456789abcdef',
  oauth_nonce: '123456789',
  oauth_timestamp: '1700000000',
  oauth_signature_method: 'HMAC-SHA1',
}

test('the form of a request is checked', () => {
  const problem = (changes: object, now = 1_700_000_000) =>
    problemOf(new Map(Object.entries({ ...good, ...changes }) as [string, string][]), now)
  assert.equal(problem({}), undefined)
  assert.equal(problem({ oauth_nonce: '' }), 'Missing mandatory OAuth parameters.')
  assert.match(problem({ oauth_signature_method: 'PLAINTEXT' })!, /Invalid signature/)
  assert.match(problem({ oauth_signature_method: 'constructor' })!, /Invalid signature/)
  assert.match(problem({ oauth_version: '2.0' })!, /version/)
  assert.match(problem({ oauth_timestamp: '17000000000' })!, /size/)
  assert.match(problem({ oauth_timestamp: '17000000.0' })!, /integer/)
  assert.match(problem({}, 1_700_000_601)!, /differ/)
  assert.match(problem({}, 1_699_999_399)!, /differ/)
  assert.match(problem({ oauth_consumer_key: 'x' })!, /client key/)
  assert.match(problem({ oauth_nonce: 'a b' })!, /nonce/)
})

test('a header that is malformed or ambiguous is none', () => {
  for (const text of [undefined, '', 'Basic x', 'OAuth x', 'OAuth a="1", a="2"', 'OAuth a="%zz"', 'OAuth a=1']) {
    assert.equal(parseOAuthHeader(text), undefined, String(text))
  }
})
