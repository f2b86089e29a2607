import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidAddress, canonicalCidr, canonicalIp, canonicalMac, isInNetwork, netmaskOf, parseCidr } from './ip.ts'

test('addresses have one spelling', () => {
  assert.equal(canonicalIp('FD00:0:0::1'), 'fd00::1')
  assert.equal(canonicalCidr('10.0.0.1'), '10.0.0.1/32')
  assert.equal(canonicalMac('FA:16:3E:00:00:01'), 'fa:16:3e:00:00:01')
})

test('networks keep the address and know their start', () => {
  assert.deepEqual(parseCidr('10.1.2.3/16'), { version: 4, address: '10.1.2.3', network: '10.1.0.0', prefix: 16 })
  assert.equal(parseCidr('fd00:0:0:1::5/64').network, 'fd00:0:0:1::')
  assert.equal(netmaskOf(20), '255.255.240.0')
})

test('shorthand and nonsense are refused', () => {
  for (const text of [
    '10.1',
    '0x7f000001',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/8/8',
    'fe80::1%eth0',
    '',
    '1.2.3.4\n',
    '010.0.0.1',
  ]) {
    assert.throws(() => parseCidr(text), InvalidAddress, text)
  }
})

test('membership', () => {
  assert.equal(isInNetwork('10.0.0.200', '10.0.0.0/24'), true)
  assert.equal(isInNetwork('fd00::1', '10.0.0.0/24'), false)
})
