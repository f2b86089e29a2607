/** Objects that are made of others: static lists that were checked, dynamic ones by names. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startSwift, type TestSwift } from './testing/swift.ts'

let swift: TestSwift
const md5 = (text: string) => createHash('md5').update(text).digest('hex')

before(async () => {
  swift = await startSwift()
  await swift.call('PUT', 'c')
  await swift.call('PUT', 'parts')
  for (const [name, body] of Object.entries({ 1: 'first-', 2: 'second-', 3: 'third' }))
    await swift.call('PUT', `parts/p/${name}`, { body })
})
after(() => swift.stop())

const manifest = (path: string, list: unknown) =>
  swift.call('PUT', `${path}?multipart-manifest=put`, { body: JSON.stringify(list) })
const get = async (path: string, range?: string) =>
  swift.call('GET', path, range === undefined ? {} : { headers: { range } })

test('a static large object is its segments, one after the other', async () => {
  const made = await manifest('c/slo', [
    { path: '/parts/p/1', etag: md5('first-'), size_bytes: 6 },
    { path: 'parts/p/2', range: '0-2' },
    { data: Buffer.from('inline').toString('base64') },
    { path: '/parts/p/3' },
  ])
  assert.equal(made.status, 201, made.text)
  const etag = md5(md5('first-') + `${md5('second-')}:0-2;` + md5('inline') + md5('third'))
  assert.equal(made.headers['etag'], `"${etag}"`)
  const whole = await get('c/slo')
  assert.equal(whole.text, 'first-secinlinethird')
  assert.deepEqual([whole.headers['etag'], whole.headers['content-length']], [`"${etag}"`, '20'])
  const head = await swift.call('HEAD', 'c/slo')
  assert.deepEqual(
    [head.headers['etag'], head.headers['content-length'], head.headers['x-static-large-object']],
    [`"${etag}"`, '20', 'True'],
  )
  const part = await get('c/slo', 'bytes=4-10')
  assert.deepEqual([part.status, part.text, part.headers['content-range']], [206, 't-secin', 'bytes 4-10/20'])
  assert.equal((await swift.call('GET', 'c/slo', { headers: { 'if-none-match': `"${etag}"` } })).status, 304)
  const listed = JSON.parse((await swift.call('GET', 'c?format=json&prefix=slo')).text) as {
    bytes: number
    content_type: string
  }[]
  assert.equal(listed[0]!.bytes, 20)
  assert.doesNotMatch(listed[0]!.content_type, /swift_bytes/)
  assert.doesNotMatch(whole.headers['content-type']!, /swift_bytes/)
})

test('the list itself can be had, and be uploaded again', async () => {
  const list = JSON.parse((await get('c/slo?multipart-manifest=get')).text) as { name?: string }[]
  assert.equal(list[0]!.name, '/parts/p/1')
  const raw = await get('c/slo?multipart-manifest=get&format=raw')
  assert.equal((await swift.call('PUT', 'c/again?multipart-manifest=put', { body: raw.text })).status, 201)
  assert.equal((await get('c/again')).text, 'first-secinlinethird')
})

test('lists of lists work; one that is not what was said is refused', async () => {
  assert.equal((await manifest('c/outer', [{ path: '/c/slo' }, { path: '/parts/p/3' }])).status, 201)
  assert.equal((await get('c/outer')).text, 'first-secinlinethirdthird')
  assert.equal((await get('c/outer', 'bytes=18-21')).text, 'rdth')
  const refused = async (list: unknown, text: RegExp) => {
    const answer = await manifest('c/bad', list)
    assert.equal(answer.status, 400)
    assert.match(answer.text, text)
  }
  await refused([{ path: '/parts/none' }], /\/parts\/none, 404 Not Found/)
  await refused([{ path: '/parts/p/1', etag: 'x' }], /Etag Mismatch/)
  await refused([{ path: '/parts/p/1', size_bytes: 7 }], /Size Mismatch/)
  await refused([{ path: '/c/bad' }], /must not include itself/)
  await refused([{ path: '/parts/p/1', color: 'red' }], /extraneous keys "color"/)
  await refused({}, /Manifest must be a list/)
})

test('a segment that has changed since is not served as what it was', async () => {
  await swift.call('PUT', 'parts/changing', { body: 'before' })
  await manifest('c/changing', [{ path: '/parts/changing' }])
  await swift.call('PUT', 'parts/changing', { body: 'after!' })
  assert.equal((await get('c/changing')).status, 409)
})

test('whoever may read the list but not its segments sees nothing of them', async () => {
  await swift.call('PUT', 'public', { headers: { 'x-container-read': '.r:*' } })
  await manifest('public/slo', [{ path: '/parts/p/1' }])
  assert.equal((await swift.call('GET', 'public/slo', { token: '' })).status, 401)
  await swift.call('PUT', 'public/dlo', { body: '', headers: { 'x-object-manifest': 'parts/p/' } })
  assert.equal((await swift.call('GET', 'public/dlo', { token: '' })).status, 401)
})

test('a dynamic large object is what has names like it says, as it is now', async () => {
  await swift.call('PUT', 'c/dlo', { body: '', headers: { 'x-object-manifest': 'parts/p%2F' } })
  const whole = await get('c/dlo')
  assert.deepEqual([whole.text, whole.headers['content-length']], ['first-second-third', '18'])
  assert.equal(whole.headers['etag'], `"${md5(md5('first-') + md5('second-') + md5('third'))}"`)
  assert.equal((await get('c/dlo', 'bytes=5-7')).text, '-se')
  assert.equal((await get('c/dlo?multipart-manifest=get')).text, '')
  assert.equal((await swift.call('PUT', 'c/x', { body: '', headers: { 'x-object-manifest': 'nothing' } })).status, 400)
})

test('F5: lists have so many segments, and stand within each other so deep, and no more', async () => {
  const many = Array.from({ length: 1001 }, () => ({ path: '/parts/p/1' }))
  assert.equal((await manifest('c/many', many)).status, 413)
  assert.equal((await manifest('c/deep-0', [{ path: '/parts/p/1' }])).status, 201)
  for (let depth = 1; depth <= 10; depth++)
    assert.equal((await manifest(`c/deep-${depth}`, [{ path: `/c/deep-${depth - 1}` }])).status, 201)
  assert.equal((await get('c/deep-9')).text, 'first-')
  assert.equal((await get('c/deep-10')).status, 409)
})

test('a static large object goes with its segments where that is asked for', async () => {
  await swift.call('PUT', 'parts/gone', { body: 'x' })
  await manifest('c/gone', [{ path: '/parts/gone' }])
  const answer = await swift.call('DELETE', 'c/gone?multipart-manifest=delete', {
    headers: { accept: 'application/json' },
  })
  assert.equal((JSON.parse(answer.text) as Record<string, unknown>)['Number Deleted'], 2)
  assert.equal((await get('parts/gone')).status, 404)
  assert.equal((await get('c/gone')).status, 404)
})
