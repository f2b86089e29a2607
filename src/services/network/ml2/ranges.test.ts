import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstFreeId, parseTunnelRanges, parseVlanRanges } from './ranges.ts'

test('tunnel ranges', () => {
  assert.deepEqual(parseTunnelRanges('1:1000, 2000:2100', 16_777_215), [
    { first: 1, last: 1000 },
    { first: 2000, last: 2100 },
  ])
  assert.deepEqual(parseTunnelRanges('', 10), [])
  for (const bad of ['0:5', '5:4', '1:11', '1', 'a:b', '1:2:3']) {
    assert.throws(() => parseTunnelRanges(bad, 10), /no range of identifiers/, bad)
  }
})

test('vlan ranges by physical network', () => {
  const networks = parseVlanRanges('one:100:200,two,one:300:300')
  assert.deepEqual(networks.get('one'), [
    { first: 100, last: 200 },
    { first: 300, last: 300 },
  ])
  assert.deepEqual(networks.get('two'), [])
  for (const bad of [':1:2', 'one:1', 'one:1:4095']) assert.throws(() => parseVlanRanges(bad), Error, bad)
})

test('the lowest free identifier is given, over all ranges', () => {
  const ranges = parseTunnelRanges('1:2,9:9', 10)
  assert.equal(firstFreeId(ranges, new Set()), 1)
  assert.equal(firstFreeId(ranges, new Set([1, 2])), 9)
  assert.equal(firstFreeId(ranges, new Set([1, 2, 9])), undefined)
})
