import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConfigError } from '../../platform/config/config.ts'
import { readImageConfig } from './config.ts'

function read(t: TestContext, text: string, remarks: string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-glance-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'glance-api.conf'), text)
  return readImageConfig([join(folder, 'glance-api.conf')], (remark) => void remarks.push(remark))
}

test('stores of types that are not built are left out and told, unless uploads would go there', (t) => {
  const ceph = '[rbd]\nrbd_store_pool = images\n'
  const remarks: string[] = []
  const enabled = '[DEFAULT]\nenabled_backends = fast:file, rbd:rbd\n[glance_store]\ndefault_backend = '
  assert.deepEqual(
    read(t, `${enabled}fast\n${ceph}`, remarks).backends.map(({ id }) => id),
    ['fast'],
  )
  assert.ok(remarks.some((remark) => /rbd:rbd is left out/.test(remark)))
  assert.ok(remarks.some((remark) => /\[rbd\] rbd_store_pool has no effect/.test(remark)))
  assert.throws(() => read(t, `${enabled}rbd\n${ceph}`), /the default store 'rbd' has no known type/)
  assert.throws(() => read(t, '[DEFAULT]\nenabled_backends = a:rbd\n'), ConfigError)
  assert.throws(() => read(t, '[DEFAULT]\nenabled_backends = a:tape\n'), /no known type/)
})

test('lists in brackets, as glance’s own are written', (t) => {
  const { importMethods } = read(t, "[DEFAULT]\nenabled_import_methods = ['web-download', glance-direct]\n")
  assert.deepEqual(importMethods, ['web-download', 'glance-direct'])
})
