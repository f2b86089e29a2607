/** Traits, resource classes and aggregates: what is named, by whom, and when a name may go. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { addProvider } from '../../testing/cloud-of.ts'
import { startPlacement } from '../../testing/placement.ts'

test('traits: standard ones are there, custom ones come and go, both are given to providers', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const { call, must } = placement
  const names = async (query: string) => (await must<{ traits: string[] }>('GET', `/traits?${query}`)).traits
  assert.ok((await names('')).length > 300)
  assert.deepEqual(await names('name=in:COMPUTE_NODE,NO_SUCH'), ['COMPUTE_NODE'])
  assert.equal((await call('GET', '/traits/COMPUTE_NODE')).status, 204)
  assert.equal((await call('GET', '/traits/CUSTOM_A')).status, 404)
  assert.equal((await call('PUT', '/traits/CUSTOM_A')).status, 201)
  assert.equal((await call('PUT', '/traits/CUSTOM_A')).status, 204)
  assert.equal((await call('PUT', '/traits/OTHER')).status, 400)
  assert.equal((await call('PUT', `/traits/CUSTOM_${'A'.repeat(300)}`)).status, 400)
  assert.deepEqual(await names('name=startswith:CUSTOM'), ['CUSTOM_A'])

  const host = await addProvider(placement, { name: 'host' })
  const base = `/resource_providers/${host}/traits`
  const put = (traits: string[], generation: number) =>
    call<{ traits: string[]; resource_provider_generation: number }>('PUT', base, {
      traits,
      resource_provider_generation: generation,
    })
  assert.equal((await put(['CUSTOM_NONE'], 0)).status, 400)
  const { body } = await put(['CUSTOM_A', 'COMPUTE_NODE'], 0)
  assert.deepEqual([body.traits.toSorted(), body.resource_provider_generation], [['COMPUTE_NODE', 'CUSTOM_A'], 1])
  assert.equal((await put([], 0)).status, 409)
  assert.deepEqual(await names('associated=true'), ['COMPUTE_NODE', 'CUSTOM_A'])
  assert.equal((await call('DELETE', '/traits/CUSTOM_A')).status, 409)
  assert.equal((await call('DELETE', '/traits/COMPUTE_NODE')).status, 400)
  assert.equal((await call('DELETE', base)).status, 204)
  assert.equal((await call('DELETE', '/traits/CUSTOM_A')).status, 204)
  assert.equal((await call('DELETE', '/traits/CUSTOM_A')).status, 404)
})

test('resource classes: made and renamed before 1.7, made by PUT after it', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const { call, must } = placement
  assert.equal((await call('POST', '/resource_classes', { name: 'CUSTOM_A' })).status, 201)
  assert.equal((await call('POST', '/resource_classes', { name: 'CUSTOM_A' })).status, 409)
  assert.equal((await call('POST', '/resource_classes', { name: 'A' })).status, 400)
  const host = await addProvider(placement, { name: 'host', inventory: { CUSTOM_A: 3 } })
  const renamed = await call('PUT', '/resource_classes/CUSTOM_A', { name: 'CUSTOM_B' }, { version: '1.6' })
  assert.equal(renamed.status, 200)
  const { inventories } = await must<{ inventories: object }>('GET', `/resource_providers/${host}/inventories`)
  assert.deepEqual(Object.keys(inventories), ['CUSTOM_B'])
  const found = await must<{ allocation_requests: unknown[] }>('GET', '/allocation_candidates?resources=CUSTOM_B:1')
  assert.equal(found.allocation_requests.length, 1, 'the index knows the new name')
  assert.equal((await call('PUT', '/resource_classes/VCPU', { name: 'CUSTOM_C' }, { version: '1.6' })).status, 400)
  assert.equal((await call('PUT', '/resource_classes/CUSTOM_C')).status, 201)
  assert.equal((await call('PUT', '/resource_classes/CUSTOM_C')).status, 204)
  assert.equal((await call('DELETE', '/resource_classes/CUSTOM_B')).status, 409)
  assert.equal((await call('DELETE', '/resource_classes/CUSTOM_C')).status, 204)
  assert.equal((await call('DELETE', '/resource_classes/VCPU')).status, 400)
  const all = await must<{ resource_classes: { name: string }[] }>('GET', '/resource_classes')
  assert.deepEqual([all.resource_classes[0]!.name, all.resource_classes.at(-1)!.name], ['VCPU', 'CUSTOM_B'])
})

test('aggregates carry the generation from 1.19 on', async (t) => {
  const placement = await startPlacement()
  t.after(() => placement.stop())
  const { call } = placement
  const host = await addProvider(placement, { name: 'host' })
  const base = `/resource_providers/${host}/aggregates`
  const [x, y] = [randomUUID(), randomUUID()]
  assert.deepEqual((await call('PUT', base, [x], { version: '1.18' })).body, { aggregates: [x] })
  const put = (generation: number) => call('PUT', base, { aggregates: [y], resource_provider_generation: generation })
  assert.equal((await put(7)).status, 409)
  assert.deepEqual((await put(0)).body, { aggregates: [y], resource_provider_generation: 1 })
  assert.deepEqual((await call('GET', base, undefined, { version: '1.1' })).body, { aggregates: [y] })
  assert.equal((await call('PUT', base, [x, x], { version: '1.18' })).status, 400)
  assert.equal((await call('GET', base, undefined, { version: '1.0' })).status, 404)
})
