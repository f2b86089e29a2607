/** The API of accounts, containers and objects, as clients see it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { startSwift, type TestSwift } from '../testing/swift.ts'

let swift: TestSwift

before(async () => {
  swift = await startSwift()
})
after(() => swift.stop())

const put = async (path: string, body = '', headers: Record<string, string> = {}) => {
  const answer = await swift.call('PUT', path, { body, headers })
  assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.text}`)
  return answer
}
const md5 = (text: string) => createHash('md5').update(text).digest('hex')

test('an account is there from the first container in it', async () => {
  assert.equal((await swift.call('GET', '/v1/AUTH_new', { token: 'new' })).status, 204)
  assert.equal((await swift.call('PUT', '/v1/AUTH_new/c', { token: 'new' })).status, 201)
  assert.equal((await swift.call('PUT', '/v1/AUTH_new/c', { token: 'new' })).status, 202)
  assert.equal((await swift.call('GET', '/v1/AUTH_new', { token: 'new' })).text, 'c\n')
  const answer = await swift.call('DELETE', '/v1/AUTH_new/c', { token: 'new' })
  assert.equal(answer.status, 204)
  assert.match(answer.headers['x-trans-id']!, /^tx[0-9a-f]{21}-[0-9a-f]{10}$/)
  assert.equal(answer.headers['x-openstack-request-id'], answer.headers['x-trans-id'])
})

test('an object comes back as it was given, whole, in parts and not at all', async () => {
  await put('c')
  const { headers } = await put('c/o', '0123456789', {
    'content-type': 'text/x-a; b=c',
    'x-object-meta-k': 'v',
    'content-encoding': 'gzip',
  })
  assert.equal(headers['etag'], md5('0123456789'))
  const whole = await swift.call('GET', 'c/o')
  assert.equal(whole.text, '0123456789')
  for (const [name, value] of Object.entries({
    'content-type': 'text/x-a; b=c',
    'x-object-meta-k': 'v',
    'content-encoding': 'gzip',
    'content-length': '10',
  }))
    assert.equal(whole.headers[name], value, name)
  const ranged = async (range: string) => swift.call('GET', 'c/o', { headers: { range } })
  assert.equal((await ranged('bytes=3-5')).text, '345')
  assert.equal((await ranged('bytes=-3')).text, '789')
  assert.equal((await ranged('bytes=8-')).headers['content-range'], 'bytes 8-9/10')
  assert.equal((await ranged('bytes=10-')).status, 416)
  assert.equal((await ranged('nonsense')).status, 200)
  const several = await ranged('bytes=0-1,5-6')
  assert.equal(several.status, 206)
  assert.equal(several.headers['content-length'], String(several.body.length))
  assert.match(several.text, /Content-Range: bytes 5-6\/10\r\n\r\n56\r\n--[0-9a-f]+--$/)
  const conditional = (headers: Record<string, string>) => swift.call('GET', 'c/o', { headers })
  assert.equal((await conditional({ 'if-none-match': `"${md5('0123456789')}"` })).status, 304)
  assert.equal((await conditional({ 'if-match': '"other"' })).status, 412)
  assert.equal((await conditional({ 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' })).status, 304)
  assert.equal((await conditional({ 'if-unmodified-since': 'Fri, 01 Jan 2010 00:00:00 GMT' })).status, 412)
  assert.equal((await conditional({ 'if-match': '*' })).status, 200)
})

test('metadata of an object is replaced by POST, its data and type are not', async () => {
  await put('c/meta', 'data', { 'content-type': 'text/a', 'x-object-meta-old': '1' })
  assert.equal(
    (await swift.call('POST', 'c/meta', { headers: { 'x-object-meta-new': '2', 'content-type': '' } })).status,
    202,
  )
  const { headers, text } = await swift.call('GET', 'c/meta')
  assert.equal(text, 'data')
  assert.deepEqual(
    [headers['x-object-meta-old'], headers['x-object-meta-new'], headers['content-type']],
    [undefined, '2', 'text/a'],
  )
  assert.equal((await swift.call('POST', 'c/meta', { headers: { 'content-type': 'text/b' } })).status, 202)
  assert.equal((await swift.call('HEAD', 'c/meta')).headers['content-type'], 'text/b')
  const listed = JSON.parse((await swift.call('GET', 'c?format=json&prefix=meta')).text) as {
    content_type: string
    hash: string
  }[]
  assert.deepEqual(
    listed.map(({ content_type: type, hash }) => [type, hash]),
    [['text/b', md5('data')]],
  )
})

test('a body in chunks is taken, one with another hash or too short is not, and nothing of it is served', async () => {
  const chunks = swift.call('PUT', 'c/chunks', { body: Readable.from([Buffer.from('ab'), Buffer.from('cd')]) })
  assert.equal((await chunks).status, 201)
  assert.equal((await swift.call('GET', 'c/chunks')).text, 'abcd')
  assert.equal((await swift.call('PUT', 'c/wrong', { body: 'x', headers: { etag: md5('y') } })).status, 422)
  assert.equal((await swift.call('PUT', 'c/short', { body: 'x', headers: { 'content-length': '5' } })).status, 499)
  for (const name of ['wrong', 'short']) assert.equal((await swift.call('GET', `c/${name}`)).status, 404)
  const temporary = join(swift.folder, 'state/devices/d1/tmp')
  assert.deepEqual(readdirSync(temporary), [])
})

test('listings: pages, prefixes, delimiters, both directions, formats', async () => {
  await put('list')
  const names = ['a', 'b/1', 'b/2', 'b/c/3', 'd', 'é', '𝄞']
  for (const name of names) await put(`list/${encodeURIComponent(name)}`, 'x')
  const list = async (query: string) => (await swift.call('GET', `list?${query}`)).text.split('\n').slice(0, -1)
  assert.deepEqual(await list(''), names)
  assert.deepEqual(await list('reverse=true'), [...names].reverse())
  assert.deepEqual(await list('limit=2&marker=a'), ['b/1', 'b/2'])
  assert.deepEqual(await list('end_marker=b/2'), ['a', 'b/1'])
  assert.deepEqual(await list('delimiter=/'), ['a', 'b/', 'd', 'é', '𝄞'])
  assert.deepEqual(await list('delimiter=/&reverse=on'), ['𝄞', 'é', 'd', 'b/', 'a'])
  assert.deepEqual(await list('prefix=b/&delimiter=/'), ['b/1', 'b/2', 'b/c/'])
  assert.deepEqual(await list('path=b'), ['b/1', 'b/2'])
  assert.deepEqual(await list('delimiter=/&marker=b/'), ['d', 'é', '𝄞'])
  assert.equal((await swift.call('GET', 'list?limit=10001')).status, 412)
  assert.equal((await swift.call('GET', 'list', { headers: { accept: 'image/png' } })).status, 406)
  const json = JSON.parse((await swift.call('GET', 'list?format=json&limit=1')).text) as Record<string, unknown>[]
  assert.deepEqual(Object.keys(json[0]!).sort(), ['bytes', 'content_type', 'hash', 'last_modified', 'name'])
  const xml = await swift.call('GET', 'list?format=xml&prefix=b/&delimiter=/&limit=3')
  assert.equal(xml.headers['content-type'], 'application/xml; charset=utf-8')
  assert.match(xml.text, /<subdir name="b\/c\/"><name>b\/c\/<\/name><\/subdir><\/container>$/)
})

test('F7: names are escaped in lists and headers, whatever is in them', async () => {
  await put('odd')
  const name = `<a>&"'\r\nX-Evil: 1`
  await put(`odd/${encodeURIComponent(name)}`, 'x')
  const xml = await swift.call('GET', 'odd?format=xml')
  assert.match(xml.text, /<name>&lt;a&gt;&amp;&quot;&apos;/)
  const copied = await swift.call('COPY', `odd/${encodeURIComponent(name)}`, { headers: { destination: 'odd/copy' } })
  assert.equal(copied.status, 201)
  assert.doesNotMatch(copied.headers['x-copied-from']!, /[\r\n]/)
  for (const [, value] of Object.entries(copied.headers)) assert.doesNotMatch(value, /[\r\n]/)
})

test('F5: ranges that overlap, go back and forth or are many are refused', async () => {
  await put('c/ranges', '0123456789')
  const many = (count: number, of: (at: number) => string) =>
    `bytes=${Array.from({ length: count }, (_, at) => of(at)).join(',')}`
  for (const range of [
    many(51, (at) => `${at % 10}-${at % 10}`),
    many(4, () => '0-9'),
    many(10, (at) => `${9 - at}-${9 - at}`),
  ])
    assert.equal((await swift.call('GET', 'c/ranges', { headers: { range } })).status, 416, range)
})

test('a container counts what is in it, its account hears of it, and only an empty one goes', async () => {
  await put('count')
  await put('count/x', 'four')
  const { headers } = await swift.call('HEAD', 'count')
  assert.deepEqual([headers['x-container-object-count'], headers['x-container-bytes-used']], ['1', '4'])
  const told = async () => {
    const entries = JSON.parse((await swift.call('GET', '?format=json')).text) as {
      name: string
      count: number
      bytes: number
    }[]
    return entries.some(({ name, count, bytes }) => name === 'count' && count === 1 && bytes === 4)
  }
  while (!(await told())) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal((await swift.call('DELETE', 'count')).status, 409)
  assert.equal((await swift.call('DELETE', 'count/x')).status, 204)
  assert.equal((await swift.call('DELETE', 'count/x')).status, 404)
  assert.equal((await swift.call('DELETE', 'count')).status, 204)
  assert.equal((await swift.call('GET', 'count')).status, 404)
  assert.equal((await swift.call('PUT', 'count/x', { body: 'x' })).status, 404)
})

test('copies, with the metadata of the source and with other', async () => {
  await put('c/source', 'content', { 'content-type': 'text/a', 'x-object-meta-a': '1' })
  const copied = await swift.call('COPY', 'c/source', {
    headers: { destination: 'c/copy%20one', 'x-object-meta-b': '2' },
  })
  assert.equal(copied.status, 201)
  assert.equal(copied.headers['x-copied-from'], 'c/source')
  const one = await swift.call('GET', 'c/copy%20one')
  assert.deepEqual(
    [one.text, one.headers['x-object-meta-a'], one.headers['x-object-meta-b'], one.headers['content-type']],
    ['content', '1', '2', 'text/a'],
  )
  const fresh = { 'x-copy-from': '/c/source', 'x-fresh-metadata': 'true' }
  assert.equal((await swift.call('PUT', 'c/two', { headers: fresh })).status, 201)
  assert.equal((await swift.call('GET', 'c/two')).headers['x-object-meta-a'], undefined)
  assert.equal((await swift.call('COPY', 'c/source', { headers: {} })).status, 412)
  assert.equal((await swift.call('COPY', 'c/none', { headers: { destination: 'c/x' } })).status, 404)
})

test('F7: what is too long, too much or no text is refused with a sentence', async () => {
  const refused = async (status: number, text: RegExp, ...call: Parameters<TestSwift['call']>) => {
    const answer = await swift.call(...call)
    assert.equal(answer.status, status, `${call[1]}: ${answer.text}`)
    assert.match(answer.text, text)
  }
  await refused(400, /Container name length of 257 longer than 256/, 'PUT', 'c'.repeat(257))
  await refused(400, /Object name length of 1025 longer than 1024/, 'PUT', `c/${'o'.repeat(1025)}`, { body: 'x' })
  await refused(400, /Metadata name too long/, 'PUT', 'c/o', { headers: { [`x-object-meta-${'n'.repeat(129)}`]: 'v' } })
  await refused(400, /Metadata value longer than 256/, 'POST', 'c', {
    headers: { 'x-container-meta-a': 'v'.repeat(257) },
  })
  await refused(400, /Metadata must be valid UTF-8/, 'POST', 'c', { headers: { 'x-container-meta-a': '\xff' } })
  await refused(412, /Invalid UTF8/, 'GET', 'c/%ff')
  await refused(400, /X-Delete-At in past/, 'PUT', 'c/o', { headers: { 'x-delete-at': '100' } })
  await refused(400, /Non-integer X-Delete-After/, 'PUT', 'c/o', { headers: { 'x-delete-after': 'soon' } })
  await refused(413, /Your request is too large/, 'PUT', 'c/o', { headers: { 'content-length': '5368709123' } })
  const unknown = await swift.app.dispatch({
    method: 'PUT',
    url: '/v1/AUTH_demo/c/o',
    headers: { 'x-auth-token': 'demo' },
  })
  assert.equal(unknown.status, 411)
  await refused(400, /malformed/, 'GET', '/v2/AUTH_demo')
  await refused(412, /Bad URL/, 'GET', '/v1')
  await refused(405, /not allowed/, 'PATCH', 'c')
})

test('an object whose time is over is gone', async () => {
  const soon = Math.floor(Date.now() / 1000) + 1
  await put('c/brief', 'x', { 'x-delete-at': String(soon) })
  while (Date.now() / 1000 < soon) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal((await swift.call('GET', 'c/brief')).status, 404)
})

test('quotas of containers hold, and say what they hold', async () => {
  await swift.call('PUT', 'small', {
    headers: { 'x-container-meta-quota-bytes': '5', 'x-container-meta-quota-count': '1' },
  })
  assert.equal((await swift.call('PUT', 'small/a', { body: '123456' })).status, 413)
  assert.equal((await swift.call('PUT', 'small/a', { body: '12345' })).status, 201)
  const second = await swift.call('PUT', 'small/b', { body: '' })
  assert.deepEqual([second.status, second.text], [413, 'Upload exceeds quota.'])
  assert.equal((await swift.call('POST', 'small', { headers: { 'x-container-meta-quota-bytes': 'many' } })).status, 400)
})

test('an object whose file is damaged is put aside and not served', async () => {
  await put('c/broken', 'intact')
  const devices = join(swift.folder, 'state/devices/d1')
  const files = readdirSync(join(devices, 'objects'), { recursive: true, encoding: 'utf8' })
  const newest = files
    .filter((name) => name.endsWith('.data'))
    .sort((a, b) => a.slice(-21).localeCompare(b.slice(-21)))
    .at(-1)!
  truncateSync(join(devices, 'objects', newest), 2)
  assert.equal((await swift.call('GET', 'c/broken')).status, 404)
  assert.equal(readdirSync(join(devices, 'quarantined/objects')).length, 1)
})

test('an object whose container cannot be told is told later', async () => {
  await put('later')
  const devices = join(swift.folder, 'state/devices/d1')
  // The database goes while the object is written: its container is known to the proxy, and not there for the server.
  const body = Readable.from(
    (async function* () {
      yield Buffer.from('x')
      const databases = readdirSync(join(devices, 'containers'), { recursive: true, encoding: 'utf8' }).filter((n) =>
        n.endsWith('.db'),
      )
      for (const name of databases) rmSync(join(devices, 'containers', name))
      yield Buffer.from('y')
    })(),
  )
  assert.equal((await swift.call('PUT', 'later/o', { body })).status, 201)
  assert.ok(existsSync(join(devices, 'async_pending')))
  const kept = readdirSync(join(devices, 'async_pending'), { recursive: true, encoding: 'utf8' })
  assert.equal(kept.filter((name) => name.includes('-')).length, 1)
})

test('/info and /healthcheck are for everybody', async () => {
  const { status, text } = await swift.call('GET', '/info', { token: '' })
  assert.equal(status, 200)
  const info = JSON.parse(text) as Record<string, Record<string, unknown>>
  assert.equal(info['swift']!['max_file_size'], 5368709122)
  assert.ok(info['tempurl'] && info['slo'] && info['container_quotas'])
  assert.equal((await swift.call('GET', '/healthcheck', { token: '' })).text, 'OK')
})
