import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress, formatPrefix, overlaps, parseAddress, parsePrefix, type Prefix } from './address.ts'
import { checkPools, defaultPools, nextFree, slaacAddress, usableRange } from './ipam.ts'
import { generateMac } from './mac.ts'

const prefixOf = (text: string): Prefix => {
  const prefix = parsePrefix(text)
  assert.ok(prefix, text)
  return prefix
}
const smallPrefix = fc
  .tuple(fc.bigInt({ min: 0n, max: 0xffffffffn }), fc.integer({ min: 22, max: 32 }))
  .map(([value, length]) => prefixOf(`${formatAddress(4, value)}/${length}`))
const code = (expected: string) => (error: unknown) => (error as { code?: string }).code === expected

test('addresses survive being written and read', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
      assert.equal(parseAddress(formatAddress(6, value))?.value, value)
      assert.equal(parseAddress(formatAddress(4, value & 0xffffffffn))?.value, value & 0xffffffffn)
    }),
  )
})

test('what is no address or prefix is refused', () => {
  for (const text of ['', '10.1', '0x0a.0.0.1', '10.0.0.256', '010.0.0.1', 'fe80::1%eth0', 'x']) {
    assert.equal(parseAddress(text), undefined, text)
  }
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '::/129', '10.0.0.0/8/8']) {
    assert.equal(parsePrefix(text), undefined, text)
  }
  assert.equal(formatPrefix(prefixOf('10.0.0.7/24')), '10.0.0.0/24')
})

test('default pools hold every usable address except the gateway, once', () => {
  fc.assert(
    fc.property(smallPrefix, fc.bigInt({ min: 0n, max: 1023n }), (prefix, offset) => {
      const gateway = prefix.first + offset
      const usable = usableRange(prefix)
      const held = nextFree(defaultPools(prefix, gateway), [], 2000)
      const isInside = gateway >= usable.first && gateway <= usable.last && usable.first !== usable.last
      assert.equal(BigInt(held.length), usable.last - usable.first + 1n - (isInside ? 1n : 0n))
      assert.equal(new Set(held).size, held.length)
      assert.equal(isInside && held.includes(gateway), false)
    }),
  )
})

test('free addresses are in the pools, not taken, and as many as there are', () => {
  fc.assert(
    fc.property(smallPrefix, fc.array(fc.bigInt({ min: 0n, max: 1023n })), (prefix, offsets) => {
      const pools = defaultPools(prefix, null)
      const all = nextFree(pools, [], 2000)
      const taken = [...new Set(offsets.map((offset) => prefix.first + offset))].toSorted((a, b) => (a < b ? -1 : 1))
      assert.deepEqual(
        nextFree(pools, taken, 2000),
        all.filter((address) => !taken.includes(address)),
      )
    }),
  )
})

test('pools of a request are checked', () => {
  const prefix = prefixOf('10.0.0.0/24')
  const pool = (start: number, end: number) => ({ start: `10.0.0.${start}`, end: `10.0.0.${end}` })
  assert.equal(checkPools(prefix, [pool(100, 110), pool(2, 9)], prefix.first + 1n)[0]?.first, prefix.first + 2n)
  assert.throws(() => checkPools(prefix, [pool(2, 9), pool(9, 20)], null), code('OverlappingAllocationPools'))
  assert.throws(() => checkPools(prefix, [pool(2, 255)], null), code('OutOfBoundsAllocationPool'))
  assert.throws(() => checkPools(prefix, [pool(9, 2)], null), code('InvalidAllocationPool'))
  assert.throws(() => checkPools(prefix, [{ start: '::1', end: '::2' }], null), code('InvalidAllocationPool'))
  assert.throws(() => checkPools(prefix, [pool(1, 9)], prefix.first + 1n), code('GatewayConflictWithAllocationPools'))
})

test('overlap, SLAAC and MAC', () => {
  assert.equal(overlaps(prefixOf('10.0.0.0/8'), prefixOf('10.1.0.0/16')), true)
  assert.equal(overlaps(prefixOf('10.0.0.0/24'), prefixOf('10.0.1.0/24')), false)
  assert.equal(
    formatAddress(6, slaacAddress(prefixOf('2001:db8::/64'), 'fa:16:3e:00:00:01')),
    '2001:db8::f816:3eff:fe00:1',
  )
  assert.match(generateMac(), /^fa:16:3e(:[0-9a-f]{2}){3}$/)
})
