import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLeases, releaseCommand, staleLeases } from './dnsmasq-leases.ts'
import { UnsafeText } from './safe-text.ts'

const file = `1764234001 fa:16:3e:00:00:11 10.5.0.11 vm1 ff:3e:00:00:11:00
1764234002 fa:16:3e:00:00:12 10.5.0.12 * *
duid 00:03:00:01:fa:16:3e:00:02:01
1764234003 1040187409 fd00::77 vm1 00:03:00:01:fa:16:3e:00:00:11
`
const { leases, serverId } = parseLeases(file)

test('the file of leases: clients of both families, and the server', () => {
  assert.deepEqual(
    leases.map(({ version, address, mac, clientId }) => [version, address, mac, clientId]),
    [
      [4, '10.5.0.11', 'fa:16:3e:00:00:11', 'ff:3e:00:00:11:00'],
      [4, '10.5.0.12', 'fa:16:3e:00:00:12', undefined],
      [6, 'fd00::77', undefined, '00:03:00:01:fa:16:3e:00:00:11'],
    ],
  )
  assert.equal(serverId, '00:03:00:01:fa:16:3e:00:02:01')
  assert.deepEqual(parseLeases(''), { leases: [], serverId: undefined })
})

test('stale is what is nobody’s or somebody else’s now', () => {
  const before = new Map([
    ['10.5.0.11', 'fa:16:3e:00:00:11'],
    ['10.5.0.12', 'fa:16:3e:00:00:12'],
    ['fd00::77', 'fa:16:3e:00:00:11'],
  ])
  const stale = (now: [string, string][]) => staleLeases(leases, before, new Map(now)).map(({ address }) => address)
  assert.deepEqual(stale([...before]), [])
  assert.deepEqual(stale([['10.5.0.11', 'fa:16:3e:00:00:11']]), ['10.5.0.12', 'fd00::77'])
  assert.deepEqual(stale([...before].map(([address]) => [address, 'fa:16:3e:00:00:99'])), [
    '10.5.0.11',
    '10.5.0.12',
    'fd00::77',
  ])
})

test('a release says whose lease it is', () => {
  const commands = leases.map((lease) => releaseCommand({ interface: 'ns-1' }, lease, serverId).join(' '))
  assert.deepEqual(commands, [
    'dhcp_release ns-1 10.5.0.11 fa:16:3e:00:00:11 ff:3e:00:00:11:00',
    'dhcp_release ns-1 10.5.0.12 fa:16:3e:00:00:12',
    'dhcp_release6 --iface ns-1 --client-id 00:03:00:01:fa:16:3e:00:00:11 --server-id 00:03:00:01:fa:16:3e:00:02:01 --iaid 1040187409 --ip fd00::77',
  ])
  const [lease] = leases
  assert.throws(
    () => releaseCommand({ interface: 'ns-1' }, { ...lease!, clientId: '--help' }, serverId),
    UnsafeText,
    'a client chooses its id',
  )
})
