import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { waitFor } from '../../../../base/wait.ts'
import { qcow2 } from '../../../../base/disk-formats/fixtures.ts'
import { startImage, type Shown, type TestImage } from '../../testing/image.ts'

const data = randomBytes(1_200_000)
let web: Server
let origin: string
const asked: string[] = []
const pages: Record<string, (response: ServerResponse) => void> = {
  '/image': (response) => response.end(data),
  '/away': (response) => response.writeHead(302, { Location: '/image' }).end(),
  '/inside': (response) => response.writeHead(302, { Location: 'http://169.254.169.254/latest' }).end(),
  '/file': (response) => response.writeHead(302, { Location: 'file:///etc/passwd' }).end(),
  '/loop': (response) => response.writeHead(302, { Location: '/loop' }).end(),
  '/gone': (response) => response.writeHead(404).end('no'),
  '/cut': (response) => response.writeHead(200, { 'Content-Length': '999999' }).write('x', () => response.destroy()),
  '/packed': (response) => response.end(gzipSync(data)),
  '/disk': (response) => response.end(Buffer.from(qcow2())),
  '/slow': (response) => void response.writeHead(200).write('x'),
}

before(async () => {
  web = createServer((request, response) => {
    asked.push(request.url ?? '')
    const page = pages[request.url ?? '']
    if (page) page(response)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
})
after(() => {
  web.closeAllConnections()
  web.close()
})

const fence = '[import_filtering_opts]\nallowed_ports =\nallowed_networks = 127.0.0.1/32\n'
const stores =
  '[DEFAULT]\nenabled_backends = file:file, second:file, web:http\n[glance_store]\ndefault_backend = file\n'

async function start(t: TestContext, config = `${stores}${fence}`): Promise<TestImage> {
  const glance = await startImage({ config })
  t.after(() => glance.stop())
  return glance
}

const importing = (glance: TestImage, id: string, json: unknown, headers: Record<string, string> = {}) =>
  glance.call('POST', `/images/${id}/import`, { json, headers })
const tasksOf = async (glance: TestImage, id: string) =>
  (await glance.must<{ tasks: Record<string, unknown>[] }>('GET', `/images/${id}/tasks`)).tasks
const isDone = (image: Shown) => image['os_glance_import_task'] === undefined && image.status !== 'importing'
/** Staged data go after the image has said how the import ended. */
const nothingStaged = (glance: TestImage) =>
  waitFor(() => readdirSync(join(glance.stateDir, 'staging')).length === 0, {
    what: 'the end of the staged data',
    timeoutMs: 5000,
  })

async function imported(glance: TestImage, request: Record<string, unknown>, attributes: Record<string, unknown> = {}) {
  const { id } = await glance.create(attributes)
  const answer = await importing(glance, id, request)
  assert.equal(answer.status, 202, answer.message)
  return glance.until(id, isDone)
}

test('glance-direct: staged, imported, active, and the task says so', async (t) => {
  const glance = await start(t)
  const { id } = await glance.create()
  assert.equal((await importing(glance, id, { method: { name: 'glance-direct' } })).status, 409)
  assert.equal((await glance.call('PUT', `/images/${id}/stage`, { data })).status, 204)
  const uploading = await glance.must('GET', `/images/${id}`)
  assert.deepEqual([uploading.status, uploading['size']], ['uploading', data.length])
  assert.equal((await importing(glance, id, { method: { name: 'glance-direct' } })).status, 202)
  const image = await glance.until(id, isDone)
  assert.deepEqual([image.status, image['size'], image.stores], ['active', data.length, 'file'])
  assert.ok((await glance.download(id)).data.equals(data))
  const [task] = await tasksOf(glance, id)
  assert.deepEqual([task!['type'], task!['status'], task!['image_id']], ['api_image_import', 'success', id])
  const shown = await glance.must<Record<string, unknown>>('GET', `/tasks/${String(task!['id'])}`)
  assert.equal(shown['status'], 'success')
  await nothingStaged(glance)
})

test('web-download, also behind a redirect', async (t) => {
  const glance = await start(t)
  for (const path of ['/image', '/away']) {
    const image = await imported(glance, { method: { name: 'web-download', uri: origin + path } })
    assert.equal(image.status, 'active')
    assert.ok((await glance.download(image.id)).data.equals(data))
  }
})

test('C6: web-download reaches no local, private, link-local or reserved address, in any spelling', async (t) => {
  const glance = await start(t, '[import_filtering_opts]\nallowed_ports =\n')
  const { port } = new URL(origin)
  const { id } = await glance.create()
  const seen = asked.length
  for (const host of [
    '127.0.0.1',
    'localhost.',
    '2130706433',
    '0x7f000001',
    '017700000001',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '0.0.0.0',
    '[::]',
    '169.254.169.254',
    '10.0.0.1',
    '192.168.1.1',
    '172.16.0.1',
    '100.64.0.1',
    '[fe80::1]',
    '[fd00::1]',
  ]) {
    const answer = await importing(glance, id, {
      method: { name: 'web-download', uri: `http://${host}:${port}/image` },
    })
    if (answer.status === 202) {
      // A name is resolved when it is fetched.
      const image = await glance.until(id, isDone)
      assert.equal(image.status, 'queued', host)
    } else assert.equal(answer.status, 400, host)
  }
  for (const uri of [
    'file:///etc/passwd',
    'ftp://example.org/x',
    'http://user:pw@example.org/',
    'gopher://x',
    '',
    'http://',
  ])
    assert.equal((await importing(glance, id, { method: { name: 'web-download', uri } })).status, 400, uri)
  assert.equal(asked.length, seen)
})

test('C6: a redirect meets the same fence as the first URL, and cannot go on for ever', async (t) => {
  const glance = await start(t)
  for (const path of ['/inside', '/file', '/loop', '/gone', '/cut']) {
    const image = await imported(glance, { method: { name: 'web-download', uri: origin + path } })
    assert.deepEqual([image.status, image['size'], image.stores], ['queued', null, undefined], path)
    assert.equal(image['os_glance_failed_import'], 'file')
    const [task] = await tasksOf(glance, image.id)
    assert.equal(task!['status'], 'failure')
    assert.notEqual(task!['message'], '')
  }
  await nothingStaged(glance)
})

test('lists of schemes, hosts and ports are obeyed', async (t) => {
  const { hostname, port } = new URL(origin)
  const cases = [
    'allowed_schemes = https',
    'disallowed_hosts = 127.0.0.1\nallowed_schemes = http',
    'allowed_hosts = example.org',
    'allowed_ports = 80',
    `allowed_ports =\ndisallowed_ports = ${port}`,
  ]
  for (const lines of cases) {
    const base = lines.includes('ports') ? '' : 'allowed_ports =\n'
    const glance = await start(t, `[import_filtering_opts]\n${base}allowed_networks = ${hostname}/32\n${lines}\n`)
    const { id } = await glance.create()
    const answer = await importing(glance, id, { method: { name: 'web-download', uri: `${origin}/image` } })
    assert.equal(answer.status, 400, lines)
  }
})

test('into several stores; one of them cannot: all or some, as asked', async (t) => {
  const glance = await start(t)
  const both = await imported(glance, { method: { name: 'web-download', uri: `${origin}/image` }, all_stores: true })
  assert.deepEqual([both.status, both.stores], ['active', 'file,second'])
  assert.deepEqual([both['os_glance_failed_import'], both['os_glance_importing_to_stores']], ['', ''])
  const folder = join(glance.stateDir, 'stores', 'second')
  rmSync(folder, { recursive: true })
  const request = { method: { name: 'web-download', uri: `${origin}/image` }, stores: ['second', 'file'] }
  const none = await imported(glance, request)
  assert.deepEqual([none.status, none.stores], ['queued', undefined])
  const some = await imported(glance, { ...request, all_stores_must_succeed: false })
  assert.deepEqual([some.status, some.stores, some['os_glance_failed_import']], ['active', 'file', 'second'])
  await nothingStaged(glance)
  assert.deepEqual(readdirSync(join(glance.stateDir, 'images')).sort(), [both.id, some.id].sort())
})

test('copy-image to another store, and deletion from one', async (t) => {
  const glance = await start(t)
  const { id } = await glance.upload(data, {}, 'alice')
  const copy = { method: { name: 'copy-image' }, stores: ['second'] }
  assert.equal((await glance.call('POST', `/images/${id}/import`, { json: copy, token: 'alice' })).status, 403)
  assert.equal((await importing(glance, id, copy)).status, 202)
  const image = await glance.until(id, isDone)
  assert.deepEqual([image.status, image.stores], ['active', 'file,second'])
  assert.equal((await importing(glance, id, copy)).status, 400)
  assert.equal((await importing(glance, id, { method: { name: 'copy-image' }, all_stores: true })).status, 202)
  const remove = (store: string, token = 'admin') => glance.call('DELETE', `/stores/${store}/${id}`, { token })
  assert.equal((await remove('second', 'alice')).status, 403)
  assert.equal((await remove('nowhere')).status, 409)
  assert.equal((await remove('web')).status, 404)
  assert.equal((await remove('file')).status, 204)
  assert.equal((await glance.must('GET', `/images/${id}`)).stores, 'second')
  assert.deepEqual(readdirSync(join(glance.stateDir, 'images')), [])
  assert.equal((await remove('second')).status, 403)
  assert.ok((await glance.download(id)).data.equals(data))
})

test('an import request that is wrong says what is', async (t) => {
  const glance = await start(t)
  const { id } = await glance.create()
  const cases: [unknown, number, RegExp][] = [
    [{}, 400, /'method'/],
    [{ method: {} }, 400, /'name'/],
    [{ method: { name: 'by-post' } }, 400, /Unknown import method name 'by-post'/],
    [{ method: { name: 'web-download' } }, 400, /does not pass filtering/],
    [{ method: { name: 'web-download', uri: 5 } }, 400, /uri/],
    [{ method: { name: 'copy-image' } }, 409, /status active can be targeted/],
    [{ method: { name: 'glance-download' } }, 400, /glance_region/],
    [{ method: { name: 'glance-download', glance_region: 'x' } }, 400, /glance_image_id/],
    [{ method: { name: 'glance-download', glance_region: 'x', glance_image_id: 'y' } }, 400, /UUID/],
    [{ method: { name: 'web-download', uri: `${origin}/image` }, stores: ['nowhere'] }, 409, /nowhere/],
    [{ method: { name: 'web-download', uri: `${origin}/image` }, stores: ['web'] }, 409, /read-only/],
    [
      { method: { name: 'web-download', uri: `${origin}/image` }, stores: ['file'], all_stores: true },
      400,
      /All_stores/,
    ],
    [{ method: { name: 'web-download', uri: `${origin}/image` }, all_stores: 'yes' }, 400, /boolean/],
  ]
  for (const [json, status, message] of cases) {
    const answer = await importing(glance, id, json)
    assert.equal(answer.status, status, `${JSON.stringify(json)}: ${answer.message}`)
    assert.match(answer.message, message)
  }
  const bare = await glance.create({ disk_format: null })
  const uri = `${origin}/image`
  assert.equal((await importing(glance, bare.id, { method: { name: 'web-download', uri } })).status, 409)
  assert.equal((await glance.must('GET', `/images/${id}`)).status, 'queued')
})

test('one import at a time, and deleting the image ends it', async (t) => {
  const glance = await start(t)
  const { id } = await glance.create()
  const request = { method: { name: 'web-download', uri: `${origin}/slow` } }
  assert.equal((await importing(glance, id, request)).status, 202)
  assert.equal((await importing(glance, id, request)).status, 409)
  await glance.until(id, (image) => image.status === 'importing')
  assert.equal((await glance.call('DELETE', `/images/${id}`)).status, 204)
  assert.equal((await glance.call('GET', `/images/${id}`)).status, 404)
  await nothingStaged(glance)
})

test('plugins unpack, convert and inject', async (t) => {
  try {
    execFileSync('qemu-img', ['--version'])
  } catch {
    return t.skip('there is no qemu-img')
  }
  const plugins = `${stores}${fence}[image_import_opts]\nimage_import_plugins = ['image_decompression', 'image_conversion', 'inject_image_metadata']\n[image_conversion]\noutput_format = raw\n[inject_metadata_properties]\ninject = origin:imported\nignore_user_roles = nobody\n`
  const glance = await start(t, plugins)
  const unpacked = await imported(glance, { method: { name: 'web-download', uri: `${origin}/packed` } })
  assert.deepEqual([unpacked.status, unpacked['size'], unpacked['origin']], ['active', data.length, 'imported'])
  assert.ok((await glance.download(unpacked.id)).data.equals(data))
  const folder = mkdtempSync(join(tmpdir(), 'nephos-qcow2-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'disk')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, '3M'])
  pages['/real'] = (response) => response.end(readFileSync(file))
  const converted = await imported(
    glance,
    { method: { name: 'web-download', uri: `${origin}/real` } },
    { disk_format: 'qcow2' },
  )
  assert.deepEqual([converted.status, converted['disk_format'], converted['size']], ['active', 'raw', 3 * 1024 * 1024])
})

test('the old task import goes through the same fence and makes an image', async (t) => {
  const glance = await start(t)
  const input = { import_from: `${origin}/image`, import_from_format: 'raw', image_properties: { name: 'by task' } }
  const made = await glance.call<{ id: string; status: string }>('POST', '/tasks', { json: { type: 'import', input } })
  assert.equal(made.status, 201)
  assert.equal((await glance.call('POST', '/tasks', { token: 'alice', json: { type: 'import', input } })).status, 403)
  const { images } = await glance.must<{ images: Shown[] }>('GET', '/images?name=by%20task')
  const image = await glance.until(images[0]!.id, isDone)
  assert.equal(image.status, 'active')
  const { tasks } = await glance.must<{ tasks: Record<string, unknown>[] }>('GET', '/tasks?type=import&status=success')
  assert.deepEqual(
    tasks.map((task) => task['id']),
    [made.body.id],
  )
  for (const inner of ['http://169.254.169.254/', 'file:///etc/passwd'])
    assert.equal(
      (await glance.call('POST', '/tasks', { json: { type: 'import', input: { ...input, import_from: inner } } }))
        .status,
      400,
    )
  assert.equal((await glance.call('DELETE', `/tasks/${made.body.id}`)).status, 405)
  assert.equal((await glance.call('GET', '/tasks/00000000-0000-4000-8000-000000000000')).status, 404)
})

test('a location is added, hashed and read through the http store; normal users name http URLs only', async (t) => {
  const glance = await start(t)
  const { id } = await glance.create({}, 'alice')
  const add = (json: unknown, token = 'alice') => glance.call('POST', `/images/${id}/locations`, { json, token })
  assert.equal((await add({ url: 'file:///etc/passwd' })).status, 403)
  assert.equal((await add({ url: 'file:///etc/passwd' }, 'admin;admin,service,member,reader')).status, 400)
  assert.equal((await add({ url: 'http://169.254.169.254/x' })).status, 400)
  assert.equal(
    (await add({ url: `${origin}/image`, validation_data: { os_hash_value: 'zz', os_hash_algo: 'sha512' } })).status,
    400,
  )
  assert.equal((await add({ url: `${origin}/image` })).status, 202)
  const image = await glance.until(id, isDone)
  assert.deepEqual([image.status, image['size'], image.stores], ['active', data.length, 'web'])
  assert.ok((await glance.download(id)).data.equals(data))
  assert.equal((await glance.call('GET', `/images/${id}/locations`, { token: 'alice' })).status, 403)
  const seen = await glance.must<unknown[]>('GET', `/images/${id}/locations`, { token: 'admin;admin,service,reader' })
  assert.deepEqual(seen, [{ url: `${origin}/image`, metadata: { store: 'web' } }])
  assert.equal((await add({ url: `${origin}/image` })).status, 409)
})
