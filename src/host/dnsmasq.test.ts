import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dnsmasqArguments, renderHosts, renderNames, renderOptions, warningAbout } from './dnsmasq.ts'
import { UnsafeText } from './safe-text.ts'

const hostile = ['a\nb', 'a\rb', 'a,b', 'a"b', 'a\\b', 'a#b', 'a\0b', '', 'a\u2028b']

test('hosts with tags, both families and a name', () => {
  const mac = 'FA:16:3E:00:00:01'
  const host = { mac, addresses: ['10.0.0.5', 'fd00::5'], hostname: 'host-5.example.org', tags: ['port-1'] }
  assert.equal(renderHosts([host]), 'fa:16:3e:00:00:01,set:port-1,10.0.0.5,[fd00::5],host-5.example.org\n')
})

test('options by name and number', () => {
  assert.equal(
    renderOptions([
      { tag: 'a', version: 4, option: 'router', values: ['10.0.0.1'] },
      { version: 4, option: 121, values: ['0.0.0.0/0', '10.0.0.1'] },
      { tag: 'b', version: 6, option: 'dns-server', values: ['fd00::1'] },
      { tag: 'b', version: 4, option: 'router', values: [] },
    ]),
    'tag:a,option:router,10.0.0.1\n121,0.0.0.0/0,10.0.0.1\ntag:b,option6:dns-server,[fd00::1]\ntag:b,option:router\n',
  )
})

test('E3: text that could end a field or a line is refused everywhere', () => {
  for (const text of hostile) {
    const why = JSON.stringify(text)
    const mac = 'fa:16:3e:00:00:01'
    assert.throws(() => renderHosts([{ mac, addresses: [], hostname: text }]), UnsafeText, why)
    assert.throws(() => renderHosts([{ mac, addresses: [], tags: [text] }]), UnsafeText, why)
    assert.throws(() => renderHosts([{ mac: text, addresses: [] }]), Error, why)
    assert.throws(() => renderHosts([{ mac, addresses: [text] }]), Error, why)
    assert.throws(() => renderNames([{ address: '10.0.0.1', names: [text] }]), UnsafeText, why)
    for (const option of [
      { version: 4 as const, option: 'router', values: [text] },
      { version: 4 as const, option: text, values: [] },
      { version: 4 as const, option: 3, tag: text, values: [] },
    ]) {
      assert.throws(() => renderOptions([option]), UnsafeText, why)
    }
  }
})

test('E4: an old dnsmasq is warned of', () => {
  for (const fine of ['Dnsmasq version 2.81  Copyright', 'Dnsmasq version 2.90  Copyright', 'Dnsmasq version 3.0'])
    assert.equal(warningAbout(fine), undefined, fine)
  for (const old of ['Dnsmasq version 2.80  Copyright', 'Dnsmasq version 2.8', 'Dnsmasq version 1.99', 'no dnsmasq'])
    assert.match(warningAbout(old) ?? '', /2\.81/, old)
})

test('E4: the argument vector: no files of others, one interface, a user without rights', () => {
  const argv = dnsmasqArguments({
    interface: 'tap-dhcp',
    dir: '/var/lib/nephos/dhcp/1',
    ranges: [
      { tag: 'a', cidr: '10.1.0.0/16', mode: 'static', leaseSeconds: 86_400 },
      { tag: 'b', cidr: 'fd00::/64', mode: 'ra-stateless', leaseSeconds: 86_400 },
    ],
    hosts: [],
    options: [],
    dns: { servers: ['192.0.2.53'] },
    mtu: 1450,
    isRouter: true,
  })
  for (const word of [
    '--conf-file=/dev/null',
    '--interface=tap-dhcp',
    '--bind-interfaces',
    '--except-interface=lo',
    '--user=nobody',
    '--group=nogroup',
    '--dhcp-range=set:a,10.1.0.0,static,255.255.0.0,86400s',
    '--dhcp-range=set:b,fd00::,ra-stateless,64,86400s',
    '--dhcp-option-force=option:mtu,1450',
    '--server=192.0.2.53',
    '--enable-ra',
    '--ra-param=tap-dhcp,mtu:1450,100,300',
  ]) {
    assert.ok(argv.includes(word), word)
  }
})
