/** An address whose client is gone is somebody else's at once, and a running server forgets nobody else for it. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { run } from './command.ts'
import { ensureDnsmasq, findDnsmasq, stopDnsmasq, type DhcpHost, type DnsmasqSpec } from './dnsmasq.ts'
import { ensureAddresses, ensureBridge, ensureVethPair } from './links.ts'
import { ensureNetns } from './netns.ts'
import { networkPrograms } from './packages.ts'
import { becomeHost, hostNamespaces, inNamespaces, reasonToSkip } from './testing.ts'

const netns = 'server'
const macOf = { a: 'fa:16:3e:00:00:0a', b: 'fa:16:3e:00:00:0b', c: 'fa:16:3e:00:00:0c' } as const
type Guest = keyof typeof macOf
const host = (guest: Guest, address: string): DhcpHost => ({ mac: macOf[guest], addresses: [address] })
let spec: DnsmasqSpec

inNamespaces(
  import.meta.filename,
  {
    skip: await reasonToSkip(networkPrograms),
    unshare: hostNamespaces,
  },
  () => {
    before(async () => {
      await becomeHost()
      await ensureNetns(netns)
      await ensureBridge({ name: 'br-dhcp' }, { netns })
      await ensureAddresses('br-dhcp', ['10.5.0.2/24'], { netns })
      for (const guest of ['a', 'b', 'c'] as const) {
        await ensureNetns(guest)
        await ensureVethPair(
          { name: `tap-${guest}`, netns, master: 'br-dhcp' },
          { name: 'eth0', netns: guest, mac: macOf[guest] },
        )
      }
      spec = {
        netns,
        interface: 'br-dhcp',
        dir: await mkdtemp('/run/leases-'),
        ranges: [{ tag: 'a', cidr: '10.5.0.0/24', mode: 'static', leaseSeconds: 86_400 }],
        hosts: [],
        options: [],
        dns: false,
      }
    })
    after(async () => {
      await stopDnsmasq(spec.dir)
      await rm(spec.dir, { recursive: true })
    })

    /** What a guest is given; undefined for nothing. */
    async function ask(guest: Guest): Promise<string | undefined> {
      const words = ['udhcpc', '-n', '-q', '-f', '-t', '3', '-T', '1', '-i', 'eth0', '-s', '/bin/true']
      return run(['busybox', ...words], { netns: guest }).then(
        ({ stderr }) => /lease of ([0-9.]+) obtained/.exec(stderr)?.[1],
        () => undefined,
      )
    }
    const leased = async () => (await readFile(join(spec.dir, 'leases'), 'utf8')).match(/10\.5\.0\.\d+/g)?.sort() ?? []

    test('the address of a host that is gone is leased to the next one by the same process', async () => {
      await ensureDnsmasq({ ...spec, hosts: [host('a', '10.5.0.11'), host('c', '10.5.0.13')] })
      const { pid } = (await findDnsmasq(spec.dir))!
      assert.equal(await ask('a'), '10.5.0.11')
      assert.equal(await ask('c'), '10.5.0.13')
      assert.equal(await ensureDnsmasq({ ...spec, hosts: [host('c', '10.5.0.13')] }), 'reloaded')
      assert.deepEqual(await leased(), ['10.5.0.13'])
      assert.equal(
        await ensureDnsmasq({ ...spec, hosts: [host('b', '10.5.0.11'), host('c', '10.5.0.13')] }),
        'reloaded',
      )
      assert.equal(await ask('b'), '10.5.0.11')
      assert.equal((await findDnsmasq(spec.dir))?.pid, pid)
    })

    test('hosts that change their addresses with each other', async () => {
      const hosts = [host('b', '10.5.0.13'), host('c', '10.5.0.11')]
      assert.equal(await ensureDnsmasq({ ...spec, hosts }), 'reloaded')
      assert.deepEqual([await ask('b'), await ask('c')], ['10.5.0.13', '10.5.0.11'])
      assert.equal(await ensureDnsmasq({ ...spec, hosts }), 'unchanged')
    })

    test('a server that is restarted remembers its clients, and not those that are gone', async () => {
      spec = { ...spec, mtu: 1400, hosts: [host('a', '10.5.0.13'), host('c', '10.5.0.11')] }
      assert.equal(await ensureDnsmasq(spec), 'restarted')
      assert.deepEqual(await leased(), ['10.5.0.11'])
      assert.equal(await ask('a'), '10.5.0.13')
    })

    test('options in users’ words: quotes are dnsmasq’s to read, and what it does not understand harms nobody', async () => {
      const raw = (name: string, text: string) => ({ tag: 'guest', version: 4 as const, name, text })
      const odd = [raw('no such_option', 'x'), raw('router', '"unbalanced'), raw('3', 'no address'), raw('a,b', '\\')]
      const options = [...odd, raw('domain-name', '"test.domain"')]
      spec = { ...spec, options, hosts: spec.hosts.map((each) => ({ ...each, tags: ['guest'] })) }
      await ensureDnsmasq(spec)
      const script = join(spec.dir, 'script')
      await writeFile(script, '#!/bin/sh\necho "[$1] domain=$domain" >&2\n', { mode: 0o755 })
      const words = ['udhcpc', '-n', '-q', '-f', '-t', '3', '-T', '1', '-i', 'eth0', '-s', script]
      assert.match((await run(['busybox', ...words], { netns: 'a' })).stderr, /\[bound\] domain=test\.domain$/m)
    })

    test('on a full disk clients are served; a lease that found no room is released when there is some', async () => {
      const dir = await mkdtemp('/run/full-')
      await run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir])
      const small = { ...spec, dir, options: [] }
      await stopDnsmasq(spec.dir)
      try {
        assert.equal(
          await ensureDnsmasq({ ...small, hosts: [host('a', '10.5.0.21'), host('b', '10.5.0.22')] }),
          'started',
        )
        const filler = join(dir, 'filler')
        await assert.rejects(writeFile(filler, Buffer.alloc(1 << 20)), { code: 'ENOSPC' })
        assert.equal(await ask('a'), '10.5.0.21')
        assert.doesNotMatch(await readFile(join(dir, 'leases'), 'utf8'), /10\.5\.0\.21/)
        // A list of hosts that cannot be written is the caller's to tell; the server goes on with the one before.
        await assert.rejects(ensureDnsmasq({ ...small, hosts: [host('c', '10.5.0.21')] }), { code: 'ENOSPC' })
        assert.equal(await ask('b'), '10.5.0.22')
        await rm(filler)
        const moved = { ...small, hosts: [host('c', '10.5.0.21')] }
        // The first look makes dnsmasq write what it knows, the next one finds the lease that is nobody's.
        await ensureDnsmasq(moved)
        await ensureDnsmasq(moved)
        assert.equal(await ask('c'), '10.5.0.21')
      } finally {
        await stopDnsmasq(dir)
        await run(['umount', dir])
        await ensureDnsmasq(spec)
      }
    })

    test('a lease that cannot be released ends with a restart', async () => {
      // Without an address in the subnet nobody hears that the lease is given back.
      await ensureAddresses('br-dhcp', ['10.6.0.2/24'], { netns })
      const before_ = (await findDnsmasq(spec.dir))!.pid
      await ensureDnsmasq({ ...spec, hosts: [host('c', '10.5.0.11')] })
      assert.notEqual((await findDnsmasq(spec.dir))?.pid, before_)
      assert.deepEqual(await leased(), ['10.5.0.11'])
    })
  },
)
