import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  nftInterface,
  nftName,
  nftNetwork,
  nftPorts,
  renderElements,
  renderReplacement,
  renderTable,
  rule,
} from './nft.ts'
import { UnsafeText } from './safe-text.ts'

test('values in a rule are checked, lists become sets', () => {
  assert.equal(
    rule`iifname ${nftInterface('tap1')} ip saddr ${'10.0.0.0/8'} tcp dport ${[80, 443]} accept`,
    'iifname "tap1" ip saddr 10.0.0.0/8 tcp dport { 80, 443 } accept',
  )
})

test('E2: an empty list is refused and never a match on everything', () => {
  assert.throws(() => rule`ip saddr ${[]} accept`, UnsafeText)
})

test('E3: hostile values are refused', () => {
  for (const value of ['1.2.3.4; accept', '} accept', '"', 'a\naccept', 'a # b', '', '$x', 'a b', '{ 0.0.0.0/0 }']) {
    assert.throws(() => rule`ip saddr ${value} drop`, UnsafeText, value)
    assert.throws(() => nftName(value), UnsafeText, value)
    assert.throws(() => nftInterface(value), UnsafeText, value)
    assert.throws(() => nftNetwork(value), Error, value)
  }
})

test('E3: a rule is one rule', () => {
  for (const text of ['accept; drop', 'accept\ndrop', 'accept }', '"x', '} chain x {']) {
    const table = { family: 'inet', name: 't', chains: [{ name: 'c', rules: [text] }] } as const
    assert.throws(() => renderTable(table), UnsafeText, text)
  }
})

test('ports', () => {
  assert.equal(nftPorts(22), '22')
  assert.equal(nftPorts(1, 65_535), '1-65535')
  assert.throws(() => nftPorts(10, 9), UnsafeText)
  assert.throws(() => nftPorts(Number.NaN), UnsafeText)
})

test('P20: a table replaces itself, chains come before the rules that jump to them', () => {
  const text = renderReplacement({
    family: 'bridge',
    name: 'guard',
    maps: [{ name: 'taps', type: 'ifname', valueType: 'verdict', elements: [['"tap1"', 'jump one']] }],
    chains: [
      { name: 'pre', hook: { type: 'filter', hook: 'prerouting', priority: -300 }, rules: ['iifname vmap @taps'] },
      { name: 'one', rules: ['drop'] },
    ],
  })
  assert.equal(
    text,
    `table bridge guard
delete table bridge guard
table bridge guard {
  map taps {
    type ifname : verdict
    elements = { "tap1" : jump one }
  }
  chain pre {
    type filter hook prerouting priority -300; policy accept;
  }
  chain one {
  }
  chain pre {
    iifname vmap @taps
  }
  chain one {
    drop
  }
}
`,
  )
})

test('elements of a set are replaced in one go', () => {
  const set = { name: 's', type: 'ipv4_addr', elements: ['10.0.0.1'] }
  assert.equal(
    renderElements({ family: 'ip', name: 'nat' }, set),
    'flush set ip nat s\nadd element ip nat s { 10.0.0.1 }\n',
  )
  assert.equal(renderElements({ family: 'ip', name: 'nat' }, { ...set, elements: [] }), 'flush set ip nat s\n')
})
