import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startImage } from '../../testing/image.ts'

test('versions, schemas, import methods and stores say what there is', async (t) => {
  const config = `[DEFAULT]
enabled_backends = fast:file, web:http
enabled_import_methods = glance-direct,copy-image
[glance_store]
default_backend = fast
[fast]
store_description = Fast disks
weight = 7
`
  const glance = await startImage({ config })
  t.after(() => glance.stop())
  const root = await glance.app.dispatch({ method: 'GET', url: '/', headers: {} })
  const { versions } = root.body as { versions: { id: string; status: string; links: { href: string }[] }[] }
  assert.equal(root.status, 300)
  assert.deepEqual(
    [versions[0]!.id, versions[0]!.status, versions[0]!.links[0]!.href],
    ['v2.17', 'CURRENT', 'http://image.test/v2/'],
  )
  assert.equal((await glance.app.dispatch({ method: 'GET', url: '/versions', headers: {} })).status, 200)
  for (const name of ['image', 'images', 'member', 'members', 'task', 'tasks'])
    assert.equal((await glance.must<{ name: string }>('GET', `/schemas/${name}`)).name, name)
  const methods = await glance.must<{ 'import-methods': { value: string[] } }>('GET', '/info/import')
  assert.deepEqual(methods['import-methods'].value, ['glance-direct', 'copy-image'])
  assert.deepEqual((await glance.must<{ stores: object[] }>('GET', '/info/stores', { token: 'alice' })).stores, [
    { id: 'fast', description: 'Fast disks', default: 'true' },
    { id: 'web', 'read-only': 'true' },
  ])
  assert.equal((await glance.call('GET', '/info/stores/detail', { token: 'alice' })).status, 403)
  const detail = await glance.must<{ stores: Record<string, unknown>[] }>('GET', '/info/stores/detail')
  assert.deepEqual([detail.stores[0]!['type'], detail.stores[0]!['weight']], ['file', 7])
  assert.deepEqual(detail.stores[1], { id: 'web', 'read-only': 'true', type: 'http', weight: 0, properties: {} })
  const { id } = await glance.create()
  const download = { json: { method: { name: 'web-download', uri: 'http://example.org/' } } }
  assert.equal((await glance.call('POST', `/images/${id}/import`, download)).status, 400)
})

test('a configuration that cannot be used is refused at start, with its place', async () => {
  const cases: [string, RegExp][] = [
    ['[DEFAULT]\nenabled_backends = x:tape\n', /enabled_backends: 'x:tape' has no known type/],
    ['[glance_store]\ndefault_backend = other\n', /there is no store 'other'/],
    ['[image_import_opts]\nimage_import_plugins = magic\n', /'magic' is none of/],
    ['[DEFAULT]\nenabled_backends = s:swift\n', /\[s\] swift_store_user is missing/],
    ['[DEFAULT]\nnode_staging_uri = http://x/\n', /must be file:\/\/\/path/],
    ['[DEFAULT]\nno_such_option = 1\n', /is no known option/],
  ]
  for (const [config, message] of cases) await assert.rejects(startImage({ config }), message)
})
