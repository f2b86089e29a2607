/**
 * What DevStack users expect to find: flavors, an external network, a tenant network with a router for demo, the guest
 * image. Made through the APIs, each part once: what an operator deletes later stays deleted.
 */
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import type { ServiceClient } from '../platform/http/client.ts'
import { clientsOf } from './admin-client.ts'
import type { Control } from '../deployment/control.ts'
import { guestImagePath } from './guest-image.ts'
import { writePrivate } from '../deployment/private-file.ts'
import { readSecret } from '../deployment/secrets.ts'
import { paths, type Settings } from '../deployment/settings.ts'

/** DevStack's flavors: name, id, RAM in MiB, vCPUs, disk in GiB. */
const flavors: readonly [name: string, id: string, ram: number, vcpus: number, disk: number][] = [
  ['m1.nano', '42', 192, 1, 1],
  ['m1.micro', '84', 256, 1, 1],
  ['m1.tiny', '1', 512, 1, 1],
  ['m1.small', '2', 2048, 1, 20],
  ['m1.medium', '3', 4096, 2, 40],
  ['m1.large', '4', 8192, 4, 80],
]

interface Part {
  name: string
  make(clients: Clients): Promise<void>
}

interface Clients {
  admin: (type: string) => ServiceClient
  demo: (type: string) => ServiceClient
  settings: Settings
}

/** Makes what is not made yet. A part that cannot be made is reported and tried again at the next start. */
export async function firstUse(
  control: Control,
  settings: Settings,
  stateDir: string,
  remark: (text: string) => void,
): Promise<void> {
  const file = paths(stateDir).firstUse
  const made = new Set(existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : [])
  const missing = parts.filter((part) => !made.has(part.name))
  if (missing.length === 0) return
  const connect = (type: string) => control.connect(type)
  const loginOf = (user: 'admin' | 'demo') => ({
    user,
    password: readSecret(stateDir, `user-${user}`).reveal(),
    project: user,
  })
  const clients: Clients = {
    admin: await clientsOf(connect, loginOf('admin')),
    demo: await clientsOf(connect, loginOf('demo')),
    settings,
  }
  for (const part of missing) {
    try {
      await part.make(clients)
      made.add(part.name)
      writePrivate(file, JSON.stringify([...made]))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      remark(`the ${part.name} could not be made, the next start tries again: ${reason}`)
    }
  }
}

const parts: readonly Part[] = [
  { name: 'flavors', make: makeFlavors },
  { name: 'quota of the administrator', make: liftAdminQuota },
  { name: 'provider network', make: makeProviderNetwork },
  { name: 'demo network', make: makeDemoNetwork },
  { name: 'default subnet pool', make: makeSubnetPool },
  { name: 'guest image', make: makeGuestImage },
]

async function makeFlavors({ admin }: Clients) {
  for (const [name, id, ram, vcpus, disk] of flavors) {
    const json = { flavor: { name, id, ram, vcpus, disk } }
    await admin('compute').request({ method: 'POST', path: '/v2.1/flavors', json, accept: [409] })
  }
}

/** The administrator's own project has no limits: what fits is for the scheduler to say. */
async function liftAdminQuota({ admin }: Clients) {
  const { body } = await admin('identity').request({ method: 'GET', path: '/v3/projects?name=admin' })
  const [project] = (body as { projects: Named[] }).projects
  const json = { quota_set: { cores: -1, ram: -1, instances: -1 } }
  await admin('compute').request({ method: 'PUT', path: `/v2.1/os-quota-sets/${project?.id}`, json })
}

async function makeProviderNetwork({ admin, settings }: Clients) {
  const network = await ensure(admin, 'network', {
    name: 'provider',
    'provider:network_type': 'flat',
    'provider:physical_network': 'provider',
    'router:external': true,
    is_default: true,
  })
  const base = settings.providerCidr.split('/')[0]!.split('.').slice(0, 3).join('.')
  await ensure(admin, 'subnet', {
    name: 'provider-subnet',
    network_id: network.id,
    ip_version: 4,
    cidr: settings.providerCidr,
    gateway_ip: `${base}.1`,
    enable_dhcp: false,
    allocation_pools: [{ start: `${base}.10`, end: `${base}.250` }],
  })
}

async function makeDemoNetwork({ demo, admin }: Clients) {
  const external = await find(admin, 'network', 'provider')
  const network = await ensure(demo, 'network', { name: 'private' })
  const subnet = await ensure(demo, 'subnet', {
    name: 'private-subnet',
    network_id: network.id,
    ip_version: 4,
    cidr: '10.0.0.0/24',
    dns_nameservers: ['8.8.8.8'],
  })
  const router = await ensure(demo, 'router', {
    name: 'router1',
    ...(external && { external_gateway_info: { network_id: external.id } }),
  })
  const path = `/v2.0/routers/${router.id}/add_router_interface`
  // 400 and 409: an earlier start that was cut got as far as this.
  await demo('network').request({ method: 'PUT', path, json: { subnet_id: subnet.id }, accept: [400, 409] })
}

/** What networks that are made by themselves take their subnets from, under DevStack's name. */
async function makeSubnetPool({ admin }: Clients) {
  await ensure(admin, 'subnetpool', {
    name: 'shared-default-subnetpool-v4',
    prefixes: ['10.64.0.0/16'],
    default_prefixlen: 26,
    is_default: true,
    shared: true,
  })
}

async function makeGuestImage({ admin, settings }: Clients) {
  const file = guestImagePath()
  if (settings.fake && !existsSync(file)) return makeEmptyImage(admin)
  const image = await ensureImage(admin, 'qcow2')
  if (image.status === 'queued') await upload(admin, image.id, createReadStream(file))
}

/** With fake hosts nothing boots it: a small raw image stands for a guest. */
async function makeEmptyImage(admin: Clients['admin']) {
  const image = await ensureImage(admin, 'raw')
  const { Readable } = await import('node:stream')
  if (image.status === 'queued') await upload(admin, image.id, Readable.from([Buffer.alloc(1024 * 1024)]))
}

interface Named {
  id: string
  status?: string
}

async function ensureImage(admin: Clients['admin'], format: string): Promise<Named> {
  const listed = await admin('image').request({ method: 'GET', path: '/v2/images?name=cirros' })
  const [existing] = (listed.body as { images: Named[] }).images
  if (existing) return existing
  const json = { name: 'cirros', disk_format: format, container_format: 'bare', visibility: 'public' }
  return (await admin('image').request({ method: 'POST', path: '/v2/images', json })).body as Named
}

async function upload(admin: Clients['admin'], id: string, stream: import('node:stream').Readable) {
  const headers = { 'Content-Type': 'application/octet-stream' }
  await admin('image').request({ method: 'PUT', path: `/v2/images/${id}/file`, headers, stream })
}

async function find(clients: Clients['admin'], kind: string, name: string): Promise<Named | undefined> {
  const path = `/v2.0/${kind}s?name=${encodeURIComponent(name)}`
  const { body } = await clients('network').request({ method: 'GET', path })
  return (body as Record<string, Named[]>)[`${kind}s`]?.[0]
}

/** The network resource of that name, made when there is none. */
async function ensure(
  clients: Clients['admin'],
  kind: string,
  attributes: { name: string } & Record<string, unknown>,
): Promise<Named> {
  const existing = await find(clients, kind, attributes.name)
  if (existing) return existing
  const response = await clients('network').request({
    method: 'POST',
    path: `/v2.0/${kind}s`,
    json: { [kind]: attributes },
  })
  return (response.body as Record<string, Named>)[kind]!
}
