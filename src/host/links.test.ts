import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMonitorLine } from './link-monitor.ts'
import { LinkConflict, parseLinks, planAddresses, planLinks, planRoutes, runIpBatch } from './links.ts'
import { planFdb } from './fdb.ts'
import { UnsafeText } from './safe-text.ts'

const link = {
  name: 'br1',
  index: 2,
  kind: 'bridge' as const,
  mtu: 1500,
  mac: '5e:dc:fd:b5:93:7a',
  isUp: true,
  hasCarrier: true,
  master: undefined,
  peer: undefined,
  owner: undefined,
  hasQueues: false,
  vxlan: undefined,
  vlan: undefined,
}

test('a bridge that is as wanted needs no command', () => {
  const plan = planLinks([{ kind: 'bridge', name: 'br1', mtu: 1500 }], [link])
  assert.deepEqual([...plan.create, ...plan.adjust], [])
})

test('only the difference is changed', () => {
  const { create, adjust } = planLinks([{ kind: 'bridge', name: 'br1', mtu: 1450 }], [link])
  assert.deepEqual(create, [])
  assert.deepEqual(adjust, [['link', 'set', 'dev', 'br1', 'mtu', 1450]])
})

test('an interface of another kind is a conflict', () => {
  assert.throws(() => planLinks([{ kind: 'tap', name: 'br1' }], [link]), LinkConflict)
})

test('a tap of another owner is made anew', () => {
  const tap = { ...link, name: 'tap1', kind: 'tap' as const, owner: 'nobody' }
  const names = new Map([['nobody', 65534]])
  assert.deepEqual(planLinks([{ kind: 'tap', name: 'tap1', ownerUid: 65534 }], [tap], names).create, [])
  assert.equal(planLinks([{ kind: 'tap', name: 'tap1', ownerUid: 1 }], [tap], names).create.length, 2)
  const queued = { kind: 'tap' as const, name: 'tap1', ownerUid: 65534, hasQueues: true }
  assert.deepEqual(planLinks([queued], [{ ...tap, hasQueues: true }], names).create, [])
  assert.match(String(planLinks([queued], [tap], names).create[1]), /multi_queue/)
})

test('hostile interface names are refused', () => {
  for (const name of ['a b', 'x\nlink', '-all', '..', 'averyveryverylong', 'a;b', 'a/b', '']) {
    assert.throws(() => planLinks([{ kind: 'bridge', name }], []), UnsafeText, name)
  }
})

test('a word for ip has no blank, quote, comment or line break', async () => {
  for (const word of ['a b', 'a\nb', '"', "'", '#', '\\']) {
    await assert.rejects(runIpBatch([['link', 'show', word]]), UnsafeText)
  }
})

test('addresses are replaced exactly', () => {
  assert.deepEqual(planAddresses('br1', ['10.0.0.1/24', 'fd00:0::1/64'], ['10.0.0.1/24', '10.0.0.2/24']), [
    ['addr', 'del', '10.0.0.2/24', 'dev', 'br1'],
    ['addr', 'add', 'fd00::1/64', 'dev', 'br1', 'nodad'],
  ])
})

test('routes of others stay, ours that are no longer wanted go', () => {
  const kernel = { destination: '10.0.0.0/24', gateway: undefined, device: 'br1', protocol: 'kernel' }
  const old = { destination: '10.9.0.0/24', gateway: '10.0.0.9', device: 'br1', protocol: '78' }
  const kept = { destination: '0.0.0.0/0', gateway: '10.0.0.254', device: 'br1', protocol: '78' }
  assert.deepEqual(planRoutes([{ destination: '0.0.0.0/0', gateway: '10.0.0.254' }], [kernel, old, kept]), [
    ['route', 'del', '10.9.0.0/24', 'via', '10.0.0.9', 'dev', 'br1', 'proto', '78'],
  ])
})

test('flood entries are appended, others replaced, surplus ones deleted', () => {
  const flood = (destination: string) => ({ mac: '00:00:00:00:00:00', destination })
  const guest = (destination: string) => ({ mac: 'fa:16:3e:00:00:01', destination })
  assert.deepEqual(
    planFdb('vx1', [flood('10.0.0.3'), guest('10.0.0.3')], [flood('10.0.0.2'), guest('10.0.0.2')]).map((words) =>
      words.join(' '),
    ),
    [
      'fdb del 00:00:00:00:00:00 dev vx1 dst 10.0.0.2',
      'fdb append 00:00:00:00:00:00 dev vx1 dst 10.0.0.3',
      'fdb replace fa:16:3e:00:00:01 dev vx1 dst 10.0.0.3',
    ],
  )
})

test('what `ip monitor` prints', () => {
  assert.deepEqual(parseMonitorLine('Deleted 7: tap1: <BROADCAST> mtu 1500'), {
    name: 'tap1',
    index: 7,
    isRemoved: true,
  })
  assert.deepEqual(parseMonitorLine('12: v1@if3: <BROADCAST> mtu 1500'), { name: 'v1', index: 12, isRemoved: false })
  assert.equal(parseMonitorLine('    link/ether 00:00'), undefined)
})

test('no output of ip is no interfaces', () => {
  assert.deepEqual(parseLinks(''), [])
  assert.deepEqual(parseLinks('[{}]'), [])
})
