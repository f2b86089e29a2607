import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { checkUrl, FenceError, fencedFetch, isAllowedAddress, type FenceRules } from './fence.ts'

const asked: IncomingMessage[] = []
let answer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => response.end('ok')
const listener = (request: IncomingMessage, response: ServerResponse) => {
  asked.push(request)
  answer(request, response)
}
const server = createServer(listener)
const other = createServer(listener)
let origin: string
let elsewhere: string

before(async () => {
  await Promise.all([server, other].map((each) => new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve))))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
})
after(() => {
  for (const each of [server, other]) {
    each.closeAllConnections()
    each.close()
  }
})

const strict: FenceRules = {
  allowedSchemes: ['http', 'https'],
  allowedHosts: [],
  allowedPorts: [],
  allowedNetworks: [],
  maxRedirects: 3,
  maxBytes: 1000,
  timeoutMs: 2000,
}
const local: FenceRules = { ...strict, allowedNetworks: ['127.0.0.1/32'] }
const textOf = async (url: string, rules: FenceRules, headers: Record<string, string> = {}) =>
  Buffer.concat(await (await fencedFetch(url, rules, { headers })).body.toArray()).toString()

test('addresses of this host, its links, private and reserved networks are refused, public ones are not', () => {
  const refused = (
    '127.0.0.1 127.255.0.1 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 100.64.0.1 ' +
    '198.18.0.1 192.0.2.1 224.0.0.1 255.255.255.255 :: ::1 fe80::1 fe80::1%eth0 fc00::1 fdff::1 ff02::1 2001:db8::1 ' +
    'fec0::1 ::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::127.0.0.1 64:ff9b::a9fe:a9fe 2002:7f00:1::1 ' +
    '2001:0:0:0:0:0:80ff:fffe nonsense'
  ).split(' ')
  for (const address of refused) assert.equal(isAllowedAddress(address, []), false, address)
  for (const address of [
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
    '64:ff9b::101:101',
  ])
    assert.equal(isAllowedAddress(address, []), true, address)
  assert.equal(isAllowedAddress('10.1.2.3', ['10.1.0.0/16']), true)
  assert.equal(isAllowedAddress('10.2.2.3', ['10.1.0.0/16']), false)
  assert.equal(isAllowedAddress('::ffff:10.1.2.3', ['10.1.0.0/16']), true)
  assert.equal(isAllowedAddress('fd00::5', ['fd00::/8']), true)
})

test('URLs are judged before anything is sent', () => {
  const refused: [string, Partial<FenceRules>, RegExp][] = [
    ['nonsense', {}, /is no URL/],
    ['file:///etc/passwd', {}, /neither http nor https/],
    ['http://user:password@example.org/', {}, /user name/],
    ['http://2130706433/', {}, /address that is not allowed/],
    ['http://0x7f.1/', {}, /address that is not allowed/],
    ['http://0177.0.0.1/', {}, /address that is not allowed/],
    ['http://[::ffff:7f00:1]/', {}, /address that is not allowed/],
    ['http://example.org/', { allowedSchemes: ['https'] }, /scheme/],
    ['http://example.org/', { allowedHosts: ['example.com'] }, /host/],
    ['http://EXAMPLE.org./', { disallowedHosts: ['example.org'] }, /host/],
    ['http://example.org:8080/', { allowedPorts: [80, 443] }, /port/],
    ['http://example.org/', { disallowedPorts: [80] }, /port/],
    [`http://example.org/${'x'.repeat(2048)}`, {}, /longer/],
  ]
  for (const [url, rules, message] of refused)
    assert.throws(
      () => checkUrl(url, { ...strict, ...rules }),
      (error) => error instanceof FenceError && message.test(error.message),
      url,
    )
  assert.equal(checkUrl('https://example.org/a', { ...strict, allowedPorts: [443] }).host, 'example.org')
})

test('a name is judged by every address that it has', async () => {
  const { port } = new URL(origin)
  const seen = asked.length
  await assert.rejects(textOf(`http://localhost:${port}/`, strict), FenceError)
  await assert.rejects(textOf(`http://localhost.:${port}/`, strict), FenceError)
  assert.equal(asked.length, seen)
  assert.equal(
    await textOf(`http://localhost:${port}/`, { ...local, allowedNetworks: ['127.0.0.0/8', '::1/128'] }),
    'ok',
  )
})

test('redirects are judged anew, bounded, and take no credentials to another server', async () => {
  answer = (request, response) => {
    const target = new URL(request.url ?? '/', origin).searchParams.get('to')
    if (target === null) response.end(request.headers['x-auth-token'] ?? 'none')
    else response.writeHead(302, { Location: target }).end()
  }
  const go = (to: string) => `${origin}/?to=${encodeURIComponent(to)}`
  const secret = { 'X-Auth-Token': 'secret' }
  assert.equal(await textOf(go('/plain'), local, secret), 'secret')
  assert.equal(await textOf(go(`${elsewhere}/plain`), local, secret), 'none')
  for (const to of [
    'http://169.254.169.254/',
    'file:///etc/passwd',
    'http://[::1]/',
    '//10.0.0.1/',
    'http://a:b@127.0.0.1/',
  ])
    await assert.rejects(textOf(go(to), local), FenceError, to)
  answer = (_request, response) => response.writeHead(302, { Location: '/again' }).end()
  const seen = asked.length
  await assert.rejects(textOf(`${origin}/`, local), /redirects more than 3 times/)
  assert.equal(asked.length - seen, 4)
})

test('size and time are bounded', async () => {
  answer = (_request, response) => response.writeHead(200, { 'Content-Length': 1001 }).end(Buffer.alloc(1001))
  await assert.rejects(textOf(`${origin}/`, local), /larger than 1000 bytes/)
  answer = (_request, response) => {
    response.write(Buffer.alloc(600))
    response.end(Buffer.alloc(600))
  }
  await assert.rejects(textOf(`${origin}/`, local), /larger than 1000 bytes/)
  answer = (_request, response) => void response.write('x')
  await assert.rejects(textOf(`${origin}/`, { ...local, timeoutMs: 50 }), /took too long/)
  answer = () => undefined
  await assert.rejects(textOf(`${origin}/`, { ...local, timeoutMs: 50 }), /took too long/)
  answer = (_request, response) => {
    response.writeHead(200, { 'Content-Length': 900 })
    response.write('x', () => response.destroy())
  }
  await assert.rejects(textOf(`${origin}/`, local), FenceError)
})
