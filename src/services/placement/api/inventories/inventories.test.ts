import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addProvider, claim } from '../../testing/cloud-of.ts'
import { startPlacement } from '../../testing/placement.ts'

interface Errors {
  errors: { detail: string; code: string }[]
}
interface Inventories {
  resource_provider_generation: number
  inventories: Record<string, { total: number; max_unit: number; allocation_ratio: number; reserved: number }>
}

test('inventories are replaced, changed and deleted, each with the generation of the provider', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const { call, must } = placement
  const host = await addProvider(placement, { name: 'host' })
  const base = `/resource_providers/${host}/inventories`
  const first = await must<Inventories>('PUT', base, {
    resource_provider_generation: 0,
    inventories: { VCPU: { total: 8 }, MEMORY_MB: { total: 1024, reserved: 24, allocation_ratio: 1.5 } },
  })
  assert.equal(first.resource_provider_generation, 1)
  assert.equal(first.inventories['VCPU']!.max_unit, 2_147_483_647)
  assert.equal(first.inventories['VCPU']!.allocation_ratio, 1)
  const stale = await call<Errors>('PUT', base, { resource_provider_generation: 0, inventories: {} })
  assert.equal(stale.status, 409)
  assert.equal(stale.body.errors[0]!.code, 'placement.concurrent_update')

  const added = await call('POST', base, { resource_class: 'DISK_GB', total: 10 })
  assert.equal(added.status, 201)
  assert.equal(added.headers['location'], `http://placement.test${base}/DISK_GB`)
  assert.equal((await call('POST', base, { resource_class: 'DISK_GB', total: 10 })).status, 409)
  const changed = await must<{ total: number; resource_provider_generation: number }>('PUT', `${base}/DISK_GB`, {
    resource_provider_generation: 2,
    total: 20,
  })
  assert.deepEqual([changed.total, changed.resource_provider_generation], [20, 3])
  assert.equal((await call('DELETE', `${base}/DISK_GB`)).status, 204)
  assert.equal((await call('GET', `${base}/DISK_GB`)).status, 404)
  assert.equal((await call('DELETE', base, undefined, { version: '1.4' })).status, 405)
  assert.equal((await call('DELETE', base)).status, 204)
  assert.deepEqual((await must<Inventories>('GET', base)).inventories, {})
})

test('what an inventory may not be', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const host = await addProvider(placement, { name: 'host' })
  const put = (inventory: object, version = '1.39') =>
    placement.call<Errors>(
      'PUT',
      `/resource_providers/${host}/inventories`,
      { resource_provider_generation: 0, inventories: inventory },
      { version },
    )
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ VCPU: { total: 0 } }, /0 is less than the minimum of 1/],
    [{ VCPU: { total: 2 ** 31 } }, /greater than the maximum/],
    [{ VCPU: { total: 1, step_size: 0 } }, /less than the minimum/],
    [{ VCPU: { total: 1, colour: 'red' } }, /Additional properties are not allowed/],
    [{ VCPU: { total: 4, reserved: 5 } }, /reserved value is greater than total/],
    [{ CUSTOM_NONE: { total: 1 } }, /CUSTOM_NONE/],
    [{ vcpu: { total: 1 } }, /./],
  ]
  for (const [inventory, detail] of refused) {
    const { status, body } = await put(inventory)
    assert.equal(status, 400, JSON.stringify(inventory))
    assert.match(body.errors[0]!.detail, detail)
  }
  assert.equal((await put({ VCPU: { total: 4, reserved: 4 } }, '1.25')).status, 400)
  assert.equal((await put({ VCPU: { total: 4, reserved: 4 } }, '1.26')).status, 200)
})

test('an inventory in use stays, though it may shrink below what is used', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const { call, must } = placement
  const host = await addProvider(placement, { name: 'host', inventory: { VCPU: 8, DISK_GB: 10 } })
  await claim(placement, host, { VCPU: 6 })
  const base = `/resource_providers/${host}/inventories`
  const { resource_provider_generation: generation } = await must<Inventories>('GET', base)
  const gone = await call<Errors>('PUT', base, { resource_provider_generation: generation, inventories: {} })
  assert.deepEqual([gone.status, gone.body.errors[0]!.code], [409, 'placement.inventory.inuse'])
  assert.equal((await call('DELETE', `${base}/VCPU`)).status, 409)
  assert.equal((await call('DELETE', base)).status, 409)
  const body = { resource_provider_generation: generation, inventories: { VCPU: { total: 4 } } }
  assert.equal((await call('PUT', base, body)).status, 200)
  const usages = await must<{ usages: Record<string, number> }>('GET', `/resource_providers/${host}/usages`)
  assert.deepEqual(usages.usages, { VCPU: 6 })
})
