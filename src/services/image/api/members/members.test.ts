import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startImage, type Shown, type TestImage } from '../../testing/image.ts'

let glance: TestImage
before(async () => {
  glance = await startImage({ config: '[DEFAULT]\nimage_member_quota = 2\n' })
})
after(() => glance.stop())

test('a member sees the image at once, finds it when he accepts, and no longer when he is removed', async () => {
  const { id } = await glance.upload('data', {}, 'owner')
  const members = `/images/${id}/members`
  assert.equal((await glance.call('GET', `/images/${id}`, { token: 'guest' })).status, 404)
  const added = await glance.call('POST', members, { token: 'owner', json: { member: 'guest' } })
  assert.equal(added.status, 200)
  assert.deepEqual(
    [added.body['member_id'], added.body['status'], added.body['schema']],
    ['guest', 'pending', '/v2/schemas/member'],
  )
  const found = async (query = '') =>
    (await glance.must<{ images: Shown[] }>('GET', `/images${query}`, { token: 'guest' })).images.map(
      (image) => image.id,
    )
  assert.equal((await glance.call('GET', `/images/${id}`, { token: 'guest' })).status, 200)
  assert.deepEqual(await found(), [])
  assert.deepEqual(await found('?member_status=pending'), [id])
  const accept = { json: { status: 'accepted' } }
  assert.equal((await glance.call('PUT', `${members}/guest`, { ...accept, token: 'owner' })).status, 403)
  assert.equal((await glance.call('PUT', `${members}/guest`, { ...accept, token: 'guest' })).status, 200)
  assert.deepEqual(await found(), [id])
  // `openstack image set --reject` sends the whole membership: glance reads the status and passes over the rest.
  const whole = { member: 'somebody', member_id: 'x', image_id: 7, status: 'rejected' }
  const answer = await glance.call('PUT', `${members}/guest`, { json: whole, token: 'guest' })
  assert.deepEqual([answer.status, answer.body['member_id'], answer.body['status']], [200, 'guest', 'rejected'])
  assert.deepEqual(await found(), [])
  assert.equal((await glance.call('PUT', `${members}/guest`, { ...accept, token: 'guest' })).status, 200)
  assert.equal((await glance.download(id, { token: 'guest' })).data.toString(), 'data')
  assert.equal((await glance.call('DELETE', `/images/${id}`, { token: 'guest' })).status, 403)
  assert.equal((await glance.call('DELETE', `${members}/guest`, { token: 'guest' })).status, 403)
  assert.equal((await glance.call('DELETE', `${members}/guest`, { token: 'owner' })).status, 204)
  assert.equal((await glance.call('GET', `/images/${id}`, { token: 'guest' })).status, 404)
})

test('members are of shared images only, bounded, each once, and see only themselves', async () => {
  const hidden = await glance.create({ visibility: 'private' }, 'owner')
  const add = (id: string, member: string, token = 'owner') =>
    glance.call('POST', `/images/${id}/members`, { token, json: { member } })
  assert.equal((await add(hidden.id, 'guest')).status, 403)
  const { id } = await glance.create({}, 'owner')
  assert.equal((await add(id, 'one')).status, 200)
  assert.equal((await add(id, 'one')).status, 409)
  assert.equal((await add(id, 'two')).status, 200)
  assert.equal((await add(id, 'three')).status, 413)
  assert.equal((await add(id, 'three', 'one')).status, 403)
  assert.equal((await add(id, 'three', 'stranger')).status, 404)
  assert.equal((await add(id, '')).status, 400)
  const seen = async (token: string) =>
    (await glance.must<{ members: { member_id: string }[] }>('GET', `/images/${id}/members`, { token })).members.map(
      (member) => member.member_id,
    )
  assert.deepEqual(await seen('owner'), ['one', 'two'])
  assert.deepEqual(await seen('one'), ['one'])
  assert.equal((await glance.call('GET', `/images/${id}/members/two`, { token: 'one' })).status, 404)
  assert.equal(
    (await glance.call('PUT', `/images/${id}/members/one`, { token: 'one', json: { status: 'maybe' } })).status,
    400,
  )
})
