import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Server as HttpServer, createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '../base/wait.ts'
import { CommandFailed, run } from './command.ts'
import { ensureDnsmasq, findDnsmasq, stopDnsmasq } from './dnsmasq.ts'
import type { DnsmasqSpec } from './dnsmasq.ts'
import { appendFdb, deleteFdb, ensureFdb, listFdb } from './fdb.ts'
import { LinkMonitor } from './link-monitor.ts'
import type { LinkEvent } from './link-monitor.ts'
import {
  LinkConflict,
  deleteLink,
  ensureAddresses,
  ensureBridge,
  ensureLinks,
  ensureRoutes,
  ensureTap,
  ensureVethPair,
  ensureVxlan,
  listAddresses,
  listLinks,
  listRoutes,
  setMaster,
  setMtu,
  setUp,
  showLink,
} from './links.ts'
import {
  deleteNetns,
  ensureNetns,
  isNetns,
  listNetns,
  listNetnsPids,
  listenInNamespace,
  setSysctls,
  showSysctl,
} from './netns.ts'
import {
  deleteTable,
  listTables,
  loadRuleset,
  nftInterface,
  renderElements,
  replaceTables,
  rule,
  showTable,
} from './nft.ts'
import { networkPrograms } from './packages.ts'
import { isRunning, netnsOf, showProcess } from './process.ts'
import { reasonToSkip, uniqueName } from './testing.ts'

const skip = await reasonToSkip(networkPrograms)

describe('network namespaces and what is in them', { skip }, () => {
  const netns = uniqueName('hosta-')
  const other = uniqueName('hostb-')
  const here = { netns }
  let dir = ''

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nephos-network-'))
    await ensureNetns(netns)
    await ensureNetns(netns)
    await ensureNetns(other)
  })
  after(async () => {
    await stopDnsmasq(dir)
    await deleteNetns(netns)
    await deleteNetns(netns)
    await deleteNetns(other)
    await rm(dir, { recursive: true, force: true })
  })

  test('a namespace is listed and has a loopback that is up', async () => {
    assert.ok((await listNetns()).includes(netns))
    assert.equal((await showLink('lo', here))?.isUp, true)
    assert.deepEqual(await listNetnsPids(netns), [])
    assert.equal(await isNetns('no-such-namespace'), false)
  })

  test('settings are of the namespace', async () => {
    await setSysctls({ 'net/ipv4/ip_forward': 1 }, here)
    assert.equal(await showSysctl('net/ipv4/ip_forward', here), '1')
    assert.equal(await showSysctl('net/ipv4/ip_forward', { netns: other }), '0')
  })

  test('a bridge, a tap and a vxlan converge, and nothing happens the second time', async () => {
    const specs = [
      { kind: 'bridge', name: 'brq1', mtu: 1450 },
      { kind: 'tap', name: 'tap1', master: 'brq1', ownerUid: 65_534, mtu: 1450 },
      { kind: 'vxlan', name: 'vx101', id: 101, local: '127.0.0.1', master: 'brq1', mtu: 1450 },
    ] as const
    await ensureLinks(specs, here)
    const first = await listLinks(here)
    await ensureLinks(specs, here)
    // A tap comes and goes with its carrier, so compare what was asked for.
    const summary = (links: typeof first) => links.map(({ name, index, mtu, master }) => ({ name, index, mtu, master }))
    assert.deepEqual(summary(await listLinks(here)), summary(first))
    assert.deepEqual(
      first.filter(({ name }) => name !== 'lo').map(({ name, kind, mtu, isUp }) => ({ name, kind, mtu, isUp })),
      [
        { name: 'brq1', kind: 'bridge', mtu: 1450, isUp: true },
        { name: 'tap1', kind: 'tap', mtu: 1450, isUp: true },
        { name: 'vx101', kind: 'vxlan', mtu: 1450, isUp: true },
      ],
    )
    assert.equal(await showSysctl('net/ipv6/conf/brq1/disable_ipv6', here), '1')
    assert.equal(await showSysctl('net/ipv6/conf/tap1/disable_ipv6', here), '1')
  })

  test('what someone else has changed is put right', async () => {
    await ensureBridge({ name: 'brq2' }, here)
    await ensureTap({ name: 'tap2', master: 'brq2' }, here)
    await setMaster('tap2', undefined, here)
    await setMtu('tap2', 1400, here)
    await setUp('tap2', false, here)
    await ensureTap({ name: 'tap2', master: 'brq2', mtu: 1500 }, here)
    const tap = await showLink('tap2', here)
    assert.deepEqual([tap?.master, tap?.mtu, tap?.isUp], ['brq2', 1500, true])
    await assert.rejects(ensureBridge({ name: 'tap2' }, here), LinkConflict)
  })

  test('a vxlan with another id is made anew', async () => {
    await ensureVxlan({ name: 'vx7', id: 7, local: '127.0.0.1' }, here)
    await ensureVxlan({ name: 'vx7', id: 8, local: '127.0.0.1' }, here)
    assert.equal((await showLink('vx7', here))?.vxlan?.id, 8)
    await deleteLink('vx7', here)
    await deleteLink('vx7', here)
    assert.equal(await showLink('vx7', here), undefined)
  })

  test('a veth pair joins two namespaces; addresses and routes are exact', async () => {
    const near = { name: 'v-near', ...here, mtu: 1400 }
    const far = { name: 'v-far', netns: other, mac: 'fa:16:3e:00:00:01' }
    await ensureVethPair(near, far)
    const { index } = (await showLink('v-near', here))!
    await ensureVethPair(near, far)
    assert.equal((await showLink('v-near', here))?.index, index)
    assert.equal((await showLink('v-far', { netns: other }))?.mac, 'fa:16:3e:00:00:01')

    await ensureAddresses('v-near', ['10.3.0.9/24'], here)
    await ensureAddresses('v-near', ['10.3.0.1/24', 'fd03::1/64'], here)
    assert.deepEqual(await listAddresses('v-near', here), ['10.3.0.1/24', 'fd03::1/64'])
    await ensureAddresses('v-far', ['10.3.0.2/24'], { netns: other })

    const ours = async () => (await listRoutes({ netns: other })).filter(({ protocol }) => protocol === '78').length
    await ensureRoutes([{ destination: '0.0.0.0/0', gateway: '10.3.0.1' }], { netns: other })
    await ensureRoutes(
      [
        { destination: '0.0.0.0/0', gateway: '10.3.0.1' },
        { destination: '10.4.0.0/16', device: 'v-far' },
      ],
      { netns: other },
    )
    assert.equal(await ours(), 2)
    await ensureRoutes([], { netns: other })
    assert.equal(await ours(), 0)
    assert.ok((await listRoutes({ netns: other })).some(({ destination }) => destination === '10.3.0.0/24'))
  })

  test('forwarding entries converge', async () => {
    await ensureVxlan({ name: 'vx9', id: 9, local: '127.0.0.1' }, here)
    const flood = '00:00:00:00:00:00'
    const guest = 'fa:16:3e:00:00:09'
    await appendFdb('vx9', { mac: flood, destination: '10.0.0.2' }, here)
    await appendFdb('vx9', { mac: flood, destination: '10.0.0.2' }, here)
    await ensureFdb(
      'vx9',
      [
        { mac: flood, destination: '10.0.0.3' },
        { mac: guest, destination: '10.0.0.3' },
      ],
      here,
    )
    await ensureFdb(
      'vx9',
      [
        { mac: flood, destination: '10.0.0.3' },
        { mac: guest, destination: '10.0.0.4' },
      ],
      here,
    )
    const entries = (await listFdb('vx9', here)).map(({ mac, destination }) => `${mac} ${destination}`).sort()
    assert.deepEqual(entries, [`${flood} 10.0.0.3`, `${guest} 10.0.0.4`])
    await deleteFdb('vx9', { mac: guest, destination: '10.0.0.4' }, here)
    await deleteFdb('vx9', { mac: guest, destination: '10.0.0.4' }, here)
  })

  test('the monitor tells what comes and goes, also after its child was killed', async () => {
    const monitor = new LinkMonitor(here)
    const events: LinkEvent[] = []
    monitor.on('link', (event) => events.push(event))
    await monitor.start()
    try {
      const sees = (name: string, isRemoved: boolean) =>
        waitFor(() => events.some((event) => event.name === name && event.isRemoved === isRemoved), {
          what: `event for ${name}`,
          timeoutMs: 5000,
        })
      await waitForMonitor()
      await ensureTap({ name: 'tap-mon' }, here)
      await sees('tap-mon', false)
      await deleteLink('tap-mon', here)
      await sees('tap-mon', true)

      const restarted = new Promise<void>((resolve) => monitor.once('restart', resolve))
      process.kill((await waitForMonitor()).pid)
      await restarted
      await waitForMonitor()
      await ensureTap({ name: 'tap-mon2' }, here)
      await sees('tap-mon2', false)
    } finally {
      monitor.close()
    }

    // It moves into the namespace when it has started; only then it listens.
    async function waitForMonitor() {
      const find = async () => {
        const all = await Promise.all((await listNetnsPids(netns)).map(showProcess))
        return all.find((each) => each?.argv.includes('monitor'))
      }
      const found = await waitFor(find, { what: 'monitor in its namespace', timeoutMs: 5000 })
      await new Promise((resolve) => setTimeout(resolve, 50))
      return found
    }
  })

  test('P20: a ruleset is loaded as a whole or not at all', async () => {
    const table = {
      family: 'inet',
      name: 'guard',
      sets: [{ name: 'peers', type: 'ipv4_addr', flags: ['interval'], elements: ['10.0.0.0/24'] }],
      maps: [{ name: 'taps', type: 'ifname', valueType: 'verdict', elements: [['"tap1"', 'jump one']] }],
      chains: [
        {
          name: 'forward1',
          hook: { type: 'filter', hook: 'forward', priority: 0 },
          policy: 'drop',
          rules: ['ct state established,related accept', 'iifname vmap @taps'],
        },
        { name: 'one', rules: [rule`iifname ${nftInterface('tap1')} ip saddr @peers tcp dport ${[80, 443]} accept`] },
      ],
    } as const
    await replaceTables([table], here)
    await replaceTables([table], here)
    const rules = ((await showTable(table, here)) ?? []).filter((object) => 'rule' in object)
    assert.equal(rules.length, 3)

    await loadRuleset(renderElements(table, { ...table.sets[0], elements: ['10.1.0.0/24', '10.2.0.0/24'] }), here)
    await assert.rejects(
      loadRuleset('delete table inet guard\ntable inet guard { chain x { jump nowhere; } }\n', here),
      CommandFailed,
    )
    assert.deepEqual(await listTables(here), [{ family: 'inet', name: 'guard' }])
    await deleteTable(table, here)
    await deleteTable(table, here)
    assert.deepEqual(await listTables(here), [])
    assert.equal(await showTable(table, here), undefined)
  })

  test('this process serves HTTP inside a namespace', async () => {
    const http: HttpServer = createServer((request, response) => {
      response.end(`hello ${request.socket.remoteAddress}`)
    })
    const server = await listenInNamespace({
      netns,
      address: '127.0.0.1',
      port: 9697,
      onConnection: (socket) => http.emit('connection', socket),
    })
    try {
      const fetchIt = `fetch('http://127.0.0.1:9697/').then((r) => r.text()).then((t) => process.stdout.write(t))`
      const { stdout } = await run([process.execPath, '-e', fetchIt], here)
      assert.equal(stdout, 'hello 127.0.0.1')
      assert.deepEqual(await listNetnsPids(netns), [], 'no process stays in the namespace')
      await assert.rejects(
        listenInNamespace({ netns, address: '127.0.0.1', port: 9697, onConnection: () => {} }),
        /EADDRINUSE/,
      )
      await assert.rejects(run([process.execPath, '-e', fetchIt]), CommandFailed, 'it is not reachable from outside')
    } finally {
      server.close()
      http.closeAllConnections()
    }
  })

  test('dnsmasq starts, reloads, restarts, is found when it died, and stops', async () => {
    await ensureBridge({ name: 'br-dhcp' }, here)
    await ensureAddresses('br-dhcp', ['10.5.0.2/24'], here)
    const spec: DnsmasqSpec = {
      netns,
      interface: 'br-dhcp',
      dir,
      ranges: [{ tag: 'a', cidr: '10.5.0.0/24', mode: 'static', leaseSeconds: 86_400 }],
      hosts: [{ mac: 'fa:16:3e:00:00:05', addresses: ['10.5.0.5'], hostname: 'host-5' }],
      options: [{ tag: 'a', version: 4, option: 'router', values: ['10.5.0.1'] }],
      dnsHosts: [{ address: '10.5.0.5', names: ['host-5'] }],
      dns: { servers: [] },
      mtu: 1450,
    }
    assert.equal(await ensureDnsmasq(spec), 'started')
    assert.equal(await ensureDnsmasq(spec), 'unchanged')
    const first = (await findDnsmasq(dir))!
    assert.equal(await netnsOf(first.pid), await netnsOf((await findDnsmasq(dir))!.pid))
    assert.deepEqual(await listNetnsPids(netns), [first.pid])
    assert.match(await readFile(`/proc/${first.pid}/status`, 'utf8'), /Uid:\t65534/)

    const more = { ...spec, hosts: [...spec.hosts, { mac: 'fa:16:3e:00:00:06', addresses: ['10.5.0.6'] }] }
    assert.equal(await ensureDnsmasq(more), 'reloaded')
    assert.equal((await findDnsmasq(dir))?.pid, first.pid)
    await waitFor(async () => (await readFile(join(dir, 'log'), 'utf8')).split('/hosts\n').length === 3, {
      what: 'second reading of the hosts file in the log',
      timeoutMs: 5000,
    })
    assert.doesNotMatch(await readFile(join(dir, 'log'), 'utf8'), /cannot|failed|bad /i)

    assert.equal(await ensureDnsmasq({ ...more, mtu: 1400 }), 'restarted')
    assert.equal(await isRunning(first), false)

    process.kill((await findDnsmasq(dir))!.pid, 'SIGKILL')
    await waitFor(async () => !(await findDnsmasq(dir)), { what: 'death of dnsmasq', timeoutMs: 5000 })
    assert.equal(await ensureDnsmasq(more), 'started')
    await stopDnsmasq(dir)
    assert.equal(await findDnsmasq(dir), undefined)
    await assert.rejects(ensureDnsmasq({ ...spec, interface: 'nosuch' }), /nosuch/)
  })

  test('a namespace that is missing says so', async () => {
    await assert.rejects(setSysctls({ 'net/ipv4/ip_forward': 1 }, { netns: 'no-such-ns' }), CommandFailed)
  })
})
