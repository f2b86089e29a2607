/** The trees against nova's tables: which date has what. Source: nova/api/metadata/base.py, nova's guide "Metadata". */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configDriveFiles } from './config-drive.ts'
import type { ServerMetadata } from './document.ts'
import { lookUp } from './look-up.ts'
import { samplePort, sampleSeed, sampleServer as server, sampleSources as sources } from './testing.ts'

const read = async (path: string, of: ServerMetadata = server, address?: string) => {
  const found = await lookUp(of, path, sources, address)
  return found && String(found.body)
}
const parse = async (path: string, of?: ServerMetadata) =>
  JSON.parse((await read(path, of)) ?? '') as Record<string, unknown>

const early = ['availability_zone', 'hostname', 'keys', 'launch_index', 'meta', 'name', 'public_keys']
const dates: Record<string, { files: string[]; fields: string[] }> = {
  '2012-08-10': { files: ['meta_data.json', 'user_data'], fields: [] },
  '2013-04-04': { files: ['meta_data.json', 'user_data', 'password'], fields: ['random_seed'] },
  '2013-10-17': { files: ['meta_data.json', 'user_data', 'password', 'vendor_data.json'], fields: ['random_seed'] },
  '2015-10-15': {
    files: ['meta_data.json', 'user_data', 'password', 'vendor_data.json', 'network_data.json'],
    fields: ['random_seed', 'project_id'],
  },
  '2016-06-30': {
    files: ['meta_data.json', 'user_data', 'password', 'vendor_data.json', 'network_data.json'],
    fields: ['random_seed', 'project_id', 'devices'],
  },
}
const late = ['meta_data.json', 'user_data', 'password', 'vendor_data.json', 'network_data.json', 'vendor_data2.json']
for (const date of ['2016-10-06', '2017-02-22', '2018-08-27'])
  dates[date] = { files: late, fields: ['random_seed', 'project_id', 'devices'] }
for (const date of ['2020-10-14', 'latest'])
  dates[date] = { files: late, fields: ['random_seed', 'project_id', 'devices', 'dedicated_cpus'] }

test('every date of the OpenStack tree has the files and the fields that nova gives it', async () => {
  assert.equal(await read('/openstack'), Object.keys(dates).join('\n'))
  for (const [date, { files, fields }] of Object.entries(dates)) {
    assert.equal(await read(`/openstack/${date}`), files.join('\n'), date)
    const found = Object.keys(await parse(`/openstack/${date}/meta_data.json`))
    assert.deepEqual(found.toSorted(), [...early, ...fields, 'uuid'].toSorted(), date)
    for (const name of late.filter((each) => each !== 'password')) {
      const isThere = (await read(`/openstack/${date}/${name}/`)) !== undefined
      // As in nova the network is told at every date, and listed since 2015.
      assert.equal(isThere, files.includes(name) || name === 'network_data.json', `${date} ${name}`)
    }
  }
})

test('the config drive has the same files with the same content, and alone the password', async () => {
  const { contents, files } = await configDriveFiles({ ...server, adminPass: 'secret' }, sources, ['1.0'])
  const on = (path: string) => Buffer.from(contents[files[path] ?? -1] ?? '', 'base64').toString()
  const names = Object.entries(dates).flatMap(([date, { files: each }]) =>
    each.filter((name) => name !== 'password').map((name) => `openstack/${date}/${name}`),
  )
  assert.deepEqual(
    Object.keys(files)
      .filter((path) => path.startsWith('openstack'))
      .toSorted(),
    names.toSorted(),
  )
  for (const path of names) {
    if (path.endsWith('meta_data.json')) {
      const { admin_pass, ...rest } = JSON.parse(on(path)) as Record<string, unknown>
      assert.equal(admin_pass, 'secret')
      assert.deepEqual(rest, await parse(path))
    } else assert.equal(on(path), await read(path), path)
  }
  assert.equal(files['ec2/1.0/meta-data.json'], undefined)
  assert.equal(on('ec2/2007-01-19/user-data'), '#!/bin/sh\n')
  const ec2 = JSON.parse(on('ec2/latest/meta-data.json')) as Record<string, unknown>
  assert.deepEqual(ec2['public-keys'], { '0': { _name: '0=mine', 'openssh-key': server.keys[0]!.publicKey } })
  assert.deepEqual([ec2['instance-id'], ec2['security-groups']], ['i-6f1c2b6e', ['default', 'web']])
})

test('files that a user injects are on the drive only, named by the metadata of every date', async () => {
  const injected = ['one', 'two'].map((text) => ({
    path: `/etc/${text}`,
    contents: Buffer.from(text).toString('base64'),
  }))
  const { contents, files } = await configDriveFiles({ ...server, injectedFiles: injected }, sources, [])
  const on = (path: string) => Buffer.from(contents[files[path] ?? -1] ?? '', 'base64').toString()
  assert.deepEqual([on('openstack/content/0000'), on('openstack/content/0001')], ['one', 'two'])
  for (const date of ['2012-08-10', 'latest']) {
    const data = JSON.parse(on(`openstack/${date}/meta_data.json`)) as Record<string, unknown>
    assert.deepEqual(data['files'], [
      { path: '/etc/one', content_path: '/content/0000' },
      { path: '/etc/two', content_path: '/content/0001' },
    ])
  }
  assert.equal((await parse('/openstack/latest/meta_data.json'))['files'], undefined)
})

test('what a field holds', async () => {
  const ports = [
    { ...samplePort, tag: 'mgmt' },
    { ...samplePort, mac: 'fa:16:3e:00:00:02' },
  ]
  const data = await parse('/openstack/latest/meta_data.json', { ...server, ports })
  assert.deepEqual([data['uuid'], data['hostname'], data['project_id']], [server.id, 'first.novalocal', 'p1'])
  assert.equal(data['random_seed'], sampleSeed)
  const nic = { vf_trusted: false, type: 'nic', mac: samplePort.mac, bus: 'pci', address: 'none', tags: ['mgmt'] }
  assert.deepEqual(data['devices'], [nic])
  const before = await parse('/openstack/2016-06-30/meta_data.json', { ...server, ports })
  assert.deepEqual(before['devices'], [
    { type: 'nic', mac: samplePort.mac, bus: 'pci', address: 'none', tags: ['mgmt'] },
  ])
  assert.deepEqual(await parse('/openstack/latest/vendor_data.json'), { motd: 'hello' })
  assert.deepEqual(await parse('/openstack/latest/vendor_data2.json'), { static: { motd: 'hello' }, asked: { a: 1 } })
})

test('without user data, keys and metadata their files and fields are missing', async () => {
  const bare = { ...server, userData: null, keys: [], metadata: {} }
  assert.equal(await read('/openstack/latest/user_data', bare), undefined)
  assert.doesNotMatch((await read('/openstack/latest', bare)) ?? '', /user_data/)
  assert.equal(await read('/latest', bare), 'meta-data/')
  assert.equal(await read('/latest/user-data', bare), undefined)
  assert.equal(await read('/latest/meta-data/public-keys', bare), undefined)
  const data = await parse('/openstack/latest/meta_data.json', bare)
  for (const key of ['meta', 'public_keys', 'keys']) assert.equal(data[key], undefined)
})

test('vendordata of an operator who turned the file off are missing, those of programs are not', async () => {
  const off = { ...sources, vendorData: async () => ({ all: { asked: 1 } }) }
  assert.equal(await lookUp(server, '/openstack/latest/vendor_data.json', off), undefined)
  assert.equal(String((await lookUp(server, '/openstack/latest/vendor_data2.json', off))?.body), '{"asked":1}')
  const { files } = await configDriveFiles(server, off, [])
  assert.equal(files['openstack/latest/vendor_data.json'], undefined)
})

const ec2Since: Record<string, string[]> = {
  '1.0': [
    'ami-id',
    'ami-launch-index',
    'ami-manifest-path',
    'hostname',
    'instance-id',
    'local-ipv4',
    'public-keys/',
    'reservation-id',
    'security-groups',
  ],
  '2007-01-19': ['local-hostname', 'public-hostname', 'public-ipv4'],
  '2007-03-01': [],
  '2007-08-29': ['instance-type'],
  '2007-10-10': [],
  '2007-12-15': ['block-device-mapping/'],
  '2008-02-01': ['placement/'],
  '2008-09-01': ['instance-action'],
  '2009-04-04': [],
}

test('every date of the EC2 tree has what nova gives it, with or without the name of the tree', async () => {
  const names: string[] = []
  assert.equal(await read('/'), [...Object.keys(ec2Since), 'latest'].join('\n'))
  assert.equal(await read('/ec2/'), await read(''))
  for (const [date, more] of Object.entries(ec2Since)) {
    names.push(...more)
    const listing = names.toSorted().join('\n')
    for (const path of [`/${date}/meta-data`, `/${date}/meta-data/`, `/ec2//${date}/meta-data`])
      assert.equal(await read(path), listing, path)
    assert.equal(await read(`/${date}/`), 'meta-data/\nuser-data')
  }
  assert.equal(await read('/latest/meta-data/'), names.toSorted().join('\n'))
})

test('what is in the folders of the EC2 tree', async () => {
  const at = (path: string) => read(`/latest/meta-data/${path}`)
  assert.equal(await at('block-device-mapping/'), 'ami\nroot\nswap')
  assert.deepEqual([await at('block-device-mapping/ami'), await at('block-device-mapping/root')], ['vda', '/dev/vda'])
  assert.equal(await at('placement/availability-zone'), 'nova')
  assert.deepEqual([await at('public-keys'), await at('public-keys/0/')], ['0=mine', 'openssh-key'])
  assert.equal(await at('public-keys/0/openssh-key'), server.keys[0]!.publicKey)
  assert.deepEqual([await at('reservation-id'), await at('ami-launch-index')], ['r-abcdefgh', '0'])
  const kernel = { ...server, kernelId: 'aaaabbbb-0000-4000-8000-000000000000', ports: [] }
  assert.equal(await read('/latest/meta-data/kernel-id', kernel), 'aki-aaaabbbb')
  assert.equal(await read('/latest/meta-data/local-ipv4', kernel, '10.9.9.9'), '10.9.9.9')
  for (const path of ['placement/nothing', 'hostname/deeper', 'security-groups/0', 'toString', '__proto__'])
    assert.equal(await at(path), undefined, path)
})

test('what is nowhere is not found', async () => {
  for (const path of [
    'openstack/1999-01-01',
    'openstack/latest/nothing',
    'openstack/content',
    'openstack/latest/user_data/x',
  ])
    assert.equal(await read(path), undefined, path)
  for (const path of ['2099-01-01', 'latest/nothing', 'openstack/latest/toString', 'ec2/openstack'])
    assert.equal(await read(path), undefined, path)
})
