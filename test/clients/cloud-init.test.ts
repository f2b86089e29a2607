/** cloud-init's own readers, as they run in guests, on a config drive of either format and on the metadata service. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { run } from '../../src/host/command.ts'
import { buildVolume } from '../../src/host/volume.ts'
import { Secret } from '../../src/platform/auth/secret.ts'
import { createLogger } from '../../src/platform/log/log.ts'
import { configDriveFiles } from '../../src/services/compute/metadata/config-drive.ts'
import type { MetadataAddress, ServerMetadata } from '../../src/services/compute/metadata/document.ts'
import { serveMetadata } from '../../src/services/compute/metadata/server.ts'
import {
  sampleAddress as v4,
  samplePort as port,
  sampleServer,
  sampleSources as sources,
} from '../../src/services/compute/metadata/testing.ts'
import { python } from './python.ts'

const skip = !existsSync('/usr/lib/python3/dist-packages/cloudinit') && 'needs the package cloud-init'

const v6: MetadataAddress = { ...v4, cidr: 'fd00::/64', ip: 'fd00::5', gateway: 'fd00::1', dns: ['fd00::2'] }
const routes = [{ destination: '192.168.7.0/24', nexthop: '10.0.0.9' }]
/** One card for each form of network. */
const forms: MetadataAddress[][] = [
  [v4],
  [{ ...v4, isDhcp: false, routes }],
  [v4, { ...v6, isDhcp: false }],
  [v6],
  [{ ...v6, ipv6AddressMode: 'slaac' }],
  [{ ...v6, ipv6AddressMode: 'dhcpv6-stateless' }],
  [{ ...v6, ipv6AddressMode: 'dhcpv6-stateful' }],
]
const server: ServerMetadata = {
  ...sampleServer,
  ports: [
    ...forms.map((addresses, at) => ({
      ...port,
      id: `p${at}`,
      tap: `tap${at}`,
      mac: `fa:16:3e:00:00:0${at}`,
      addresses,
    })),
    { ...port, id: 'bare', tap: 'tapbare', mac: 'fa:16:3e:00:00:ff', addresses: [] },
  ],
}

interface Read {
  chosen: string
  found: {
    metadata: Record<string, unknown> & { random_seed: string }
    userdata: string
    files: Record<string, string>
    vendordata: unknown
    vendordata2: unknown
    'ec2-metadata': Record<string, unknown>
  }
  cards: { name: string; mac_address: string; mtu: number | null; subnets: Record<string, unknown>[] }[]
  nameservers: string[]
}

async function read(kind: 'drive' | 'service', where: string): Promise<Read> {
  const script = join(import.meta.dirname, 'cloud_init_readers.py')
  const { stdout } = await run([python, script, kind, where], { timeoutMs: 60_000 })
  return JSON.parse(stdout) as Read
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-cloud-init-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** What is in a drive, as files of a folder. */
async function unpack(
  format: 'iso9660' | 'vfat',
  image: string,
  folder: string,
  paths: readonly string[],
): Promise<void> {
  mkdirSync(folder)
  if (format === 'vfat') return void (await run(['mcopy', '-s', '-i', image, '::/', folder]))
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    const { stdout } = await run(['isoinfo', '-R', '-i', image, '-x', `/${path}`])
    writeFileSync(join(folder, path), stdout)
  }
}

/** Vouches for every request, as the network's metadata proxy does. */
async function vouch(t: TestContext, to: number): Promise<string> {
  const proxy: Server = createServer((asked, response) => {
    const headers = {
      'X-Instance-ID': server.id,
      'X-Tenant-ID': server.projectId,
      'X-Instance-ID-Signature': createHmac('sha256', 'shared').update(server.id).digest('hex'),
    }
    const forwarded = request({ port: to, path: asked.url, method: asked.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    forwarded.end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => proxy.once('listening', resolve))
  t.after(() => (proxy.closeAllConnections(), proxy.close()))
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}

function check({ chosen, found, cards, nameservers }: Read): void {
  assert.equal(chosen, '2018-08-27', 'the newest date that this cloud-init knows')
  const { metadata } = found
  assert.equal(metadata.random_seed, '\u0007'.repeat(512))
  assert.deepEqual([metadata['instance-id'], metadata['local-hostname']], [server.id, 'first.novalocal'])
  assert.deepEqual(metadata['public_keys'], { mine: 'ssh-ed25519 AAAA mine' })
  assert.deepEqual(metadata['meta'], { role: 'web' })
  assert.equal(found.userdata, '#!/bin/sh\n')
  assert.deepEqual(found.vendordata, { motd: 'hello' })
  assert.deepEqual(found.vendordata2, { static: { motd: 'hello' }, asked: { a: 1 } })
  const ec2 = found['ec2-metadata']
  assert.deepEqual(ec2['block-device-mapping'], { ami: 'vda', root: '/dev/vda', swap: '/dev/vdb' })
  assert.deepEqual(ec2['placement'], { 'availability-zone': 'nova' })

  assert.deepEqual(
    cards.map(({ name, mac_address, subnets }) => [name, mac_address, subnets.map(({ type }) => type)]),
    [
      ['eth0', 'fa:16:3e:00:00:00', ['dhcp4']],
      ['eth1', 'fa:16:3e:00:00:01', ['static']],
      ['eth2', 'fa:16:3e:00:00:02', ['dhcp4', 'static6']],
      ['eth3', 'fa:16:3e:00:00:03', ['dhcp6']],
      ['eth4', 'fa:16:3e:00:00:04', ['ipv6_slaac']],
      ['eth5', 'fa:16:3e:00:00:05', ['ipv6_dhcpv6-stateless']],
      ['eth6', 'fa:16:3e:00:00:06', ['ipv6_dhcpv6-stateful']],
    ],
  )
  assert.equal(cards[1]!.mtu, 1450)
  const [fixed] = cards[1]!.subnets
  assert.deepEqual([fixed!['address'], fixed!['prefix']], ['10.0.0.5', 24])
  assert.deepEqual(
    (fixed!['routes'] as Record<string, unknown>[]).map((route) => [
      route['network'],
      route['prefix'],
      route['gateway'],
    ]),
    [
      ['0.0.0.0', 0, '10.0.0.1'],
      ['192.168.7.0', 24, '10.0.0.9'],
    ],
  )
  const [, six] = cards[2]!.subnets
  assert.deepEqual([six!['address'], six!['prefix']], ['fd00::5', 64])
  assert.deepEqual(nameservers, ['10.0.0.2', 'fd00::2'])
}

for (const format of ['iso9660', 'vfat'] as const) {
  test(`cloud-init reads a config drive of format ${format}`, { skip }, async (t) => {
    const folder = folderOf(t)
    const image = join(folder, 'drive')
    const injectedFiles = [{ path: '/etc/motd', contents: Buffer.from('hello').toString('base64') }]
    const { contents, files } = await configDriveFiles({ ...server, injectedFiles }, sources, [])
    const content = (index: number) => Buffer.from(contents[index]!, 'base64')
    const tree = new Map(Object.entries(files).map(([path, index]) => [path, content(index)] as const))
    await buildVolume(image, { format, label: 'config-2', files: tree })
    const { stdout } = await run(['blkid', '-p', '-o', 'export', image])
    assert.match(stdout, new RegExp(`^LABEL=config-2$[^]*^TYPE=${format}$`, 'mi'))
    await unpack(format, image, join(folder, 'tree'), Object.keys(files))
    const found = await read('drive', join(folder, 'tree'))
    check(found)
    assert.deepEqual(found.found.files, { '/etc/motd': 'hello' })
  })
}

test('cloud-init reads the metadata service', { skip }, async (t) => {
  const service = await serveMetadata({
    host: '127.0.0.1',
    port: 0,
    secret: new Secret('shared'),
    cacheS: 0,
    getServerMetadata: async () => ({ server, sources }),
    getGuestPassword: async () => '',
    setGuestPassword: async () => true,
    log: createLogger({ name: 'test', level: 'fatal' }),
  })
  t.after(() => service.close())
  check(await read('service', await vouch(t, service.port)))
})
