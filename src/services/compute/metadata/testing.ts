/** A server that has something of everything, for tests. */
import type { MetadataAddress, MetadataPort, ServerMetadata, Sources } from './document.ts'

export const sampleAddress: MetadataAddress = {
  subnetId: 's',
  cidr: '10.0.0.0/24',
  ip: '10.0.0.5',
  gateway: '10.0.0.1',
  dns: ['10.0.0.2'],
  isDhcp: true,
  ipv6AddressMode: null,
  routes: [],
}

export const samplePort: MetadataPort = {
  id: 'p',
  mac: 'fa:16:3e:00:00:01',
  mtu: 1450,
  networkId: 'n',
  tap: 'tapp',
  vifType: 'bridge',
  tag: null,
  addresses: [sampleAddress],
}

export const sampleServer: ServerMetadata = {
  id: '6f1c2b6e-1111-4222-8333-444455556666',
  name: 'first',
  hostname: 'first.novalocal',
  projectId: 'p1',
  availabilityZone: 'nova',
  launchIndex: 0,
  reservationId: 'r-abcdefgh',
  metadata: { role: 'web' },
  keys: [{ name: 'mine', type: 'ssh', publicKey: 'ssh-ed25519 AAAA mine' }],
  userData: Buffer.from('#!/bin/sh\n').toString('base64'),
  flavorName: 'm1.tiny',
  ports: [samplePort],
  floatingIps: ['172.24.4.10'],
  securityGroups: ['default', 'web'],
  adminPass: null,
  injectedFiles: [],
  imageId: '11111111-1111-4111-8111-111111111111',
  kernelId: null,
  ramdiskId: null,
  blockDevices: { root: '/dev/vda', swap: '/dev/vdb' },
}

export const sampleSeed = Buffer.alloc(512, 7).toString('base64')

export const sampleSources: Sources = {
  randomSeed: () => sampleSeed,
  vendorData: async () => ({ file: { motd: 'hello' }, all: { static: { motd: 'hello' }, asked: { a: 1 } } }),
}
