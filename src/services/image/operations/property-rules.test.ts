import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startImage, type Shown, type TestImage } from '../testing/image.ts'
import { readPropertyRules } from './property-rules.ts'

const rules = `
[^x_owner_.*]
create = admin,member
read = admin,member
update = admin
delete = admin

[^x_secret$]
create = admin
read = admin
update = admin
delete = !

[.*]
create = @
read = @
update = @
delete = @
`

function write(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-rules-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'rules.conf')
  writeFileSync(file, text)
  return file
}

const patch = (glance: TestImage, id: string, json: unknown, token: string) =>
  glance.call<Shown>('PATCH', `/images/${id}`, {
    json,
    token,
    headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
  })

test('properties are created, read, changed and removed by whom the file says', async (t) => {
  const glance = await startImage({ config: `[DEFAULT]\nproperty_protection_file = ${write(t, rules)}\n` })
  t.after(() => glance.stop())
  const { id } = await glance.create({ x_owner_color: 'red', free: 'yes' }, 'alice')
  assert.equal((await glance.call('POST', '/images', { token: 'alice', json: { x_secret: '1' } })).status, 403)
  assert.equal((await patch(glance, id, [{ op: 'add', path: '/x_secret', value: '1' }], 'admin')).status, 200)
  const seen = async (token: string) => Object.keys(await glance.must('GET', `/images/${id}`, { token }))
  assert.ok((await seen('admin')).includes('x_secret'))
  assert.ok(!(await seen('alice')).includes('x_secret'))
  const listed = await glance.must<{ images: Shown[] }>('GET', '/images', { token: 'alice' })
  assert.equal(listed.images.find((image) => image.id === id)!['x_secret'], undefined)
  const change = { op: 'replace', path: '/x_owner_color', value: 'blue' }
  assert.equal((await patch(glance, id, [change], 'alice')).status, 403)
  assert.equal((await patch(glance, id, [change], 'admin')).status, 200)
  assert.equal((await patch(glance, id, [{ op: 'remove', path: '/x_secret' }], 'admin')).status, 403)
  assert.equal((await patch(glance, id, [{ op: 'remove', path: '/x_secret' }], 'alice')).status, 409)
  assert.equal((await patch(glance, id, [{ op: 'remove', path: '/free' }], 'alice')).status, 200)
})

test('a file that cannot be used says where and why', (t) => {
  const read = (text: string, format = 'roles') => readPropertyRules(write(t, text), format, new Set(['my_rule']))
  assert.throws(() => read('[x]\ncreate = @\n'), /\[x\] has no read/)
  const all = (what: string) => `[x]\ncreate = ${what}\nread = @\nupdate = @\ndelete = @\n`
  assert.throws(() => read(all('@,!')), /exclude each other/)
  assert.throws(() => read(all('other'), 'policies'), /no policy 'other'/)
  assert.throws(() => read(all('@').replace('[x]', '[(]')), /no regular expression/)
  assert.doesNotThrow(() => read(all('my_rule'), 'policies'))
})
