/** What nova answers and refuses, held to the OpenAPI description of the real one, at every microversion. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, FakeAgent, p1, TestCloud, type Tree } from '../../src/services/compute/testing/cloud.ts'
import { imageId, networkId } from '../../src/services/compute/testing/fakes.ts'
import { versions } from '../../src/services/compute/versions.ts'
import { differences, isOf, readDescription, type Schema } from './answers.ts'
import { excusedAnswers } from './compute-exceptions.ts'

const description = readDescription('compute')
const newest = Number(versions.max.split('.')[1])
const all = Array.from({ length: newest }, (_, index) => `2.${index + 1}`)

const cloud = new TestCloud()
let agent: FakeAgent
const ids: Record<string, string> = { project: p1, network: networkId, image: imageId }

const call = (method: string, path: string, json?: unknown, version = versions.max) =>
  cloud.call('admin', method, path, json, version)

async function made(path: string, json: unknown, status: number, version?: string): Promise<Tree> {
  const answer = await call('POST', path, json, version)
  assert.equal(answer.status, status, `${path}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

before(async () => {
  await cloud.start()
  agent = new FakeAgent(cloud.bus, 'h1')
  await agent.heartbeat()
  const spec = { name: 'f', ram: 64, vcpus: 1, disk: 1, id: 'f1' }
  await made('/flavors', { flavor: spec }, 200)
  await made('/flavors/f1/os-extra_specs', { extra_specs: { 'hw:cpu_policy': 'shared' } }, 200)
  await made('/flavors', { flavor: { ...spec, id: 'f2', name: 'f2', 'os-flavor-access:is_public': false } }, 200)
  await made('/flavors/f2/action', { addTenantAccess: { tenant: p1 } }, 200)
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBAhPzWjrhPIXUpt5vLe6QzCQpHKBqYWoLNOeUm2GLfu x'
  await made('/os-keypairs', { keypair: { name: 'k', type: 'ssh', public_key: key } }, 201)
  const group = await made('/os-server-groups', { server_group: { name: 'g', policy: 'anti-affinity' } }, 200)
  ids['group'] = String(group['server_group']!['id'])
  const aggregate = await made('/os-aggregates', { aggregate: { name: 'a', availability_zone: 'z' } }, 200)
  ids['aggregate'] = String(aggregate['aggregate']!['id'])
  await made(`/os-aggregates/${ids['aggregate']}/action`, { add_host: { host: 'h1' } }, 200)
  const server = {
    name: 's',
    flavorRef: 'f1',
    imageRef: imageId,
    networks: [{ uuid: networkId }],
    key_name: 'k',
    metadata: { a: 'b' },
    tags: ['t'],
  }
  ids['server'] = String((await made('/servers', { server }, 202))['server']!['id'])
  await eventually(async () => {
    const { body } = await call('GET', `/servers/${ids['server']}`)
    return String(body['server']!['status']) === 'ACTIVE'
  }, 'ACTIVE')
  const hypervisors = await call('GET', '/os-hypervisors')
  ids['hypervisor'] = String((hypervisors.body['hypervisors'] as unknown as Tree[])[0]!['id'])
  const actions = await call('GET', `/servers/${ids['server']}/os-instance-actions`)
  ids['request'] = String((actions.body['instanceActions'] as unknown as Tree[])[0]!['request_id'])
  const ports = await call('GET', `/servers/${ids['server']}/os-interface`)
  ids['port'] = String((ports.body['interfaceAttachments'] as unknown as Tree[])[0]!['port_id'])
})
after(async () => {
  agent?.stop()
  await cloud.stop()
})

/** Path of the file and the way to an object that is there; the numbers are microversions from which or until which it is. */
const reads: readonly (readonly [path: string, where: string, since?: number, until?: number])[] = [
  ['/flavors', '/flavors'],
  ['/flavors/detail', '/flavors/detail'],
  ['/flavors/{id}', '/flavors/f1'],
  ['/flavors/{flavor_id}/os-extra_specs', '/flavors/f1/os-extra_specs'],
  ['/flavors/{flavor_id}/os-extra_specs/{id}', '/flavors/f1/os-extra_specs/hw:cpu_policy'],
  ['/flavors/{flavor_id}/os-flavor-access', '/flavors/f2/os-flavor-access'],
  ['/limits', '/limits'],
  ['/os-aggregates', '/os-aggregates'],
  ['/os-aggregates/{id}', '/os-aggregates/{aggregate}'],
  ['/os-availability-zone', '/os-availability-zone'],
  ['/os-availability-zone/detail', '/os-availability-zone/detail'],
  ['/os-hypervisors', '/os-hypervisors', 53],
  ['/os-hypervisors/detail', '/os-hypervisors/detail', 53],
  ['/os-hypervisors/statistics', '/os-hypervisors/statistics', 1, 87],
  ['/os-hypervisors/{id}', '/os-hypervisors/{hypervisor}', 53],
  ['/os-keypairs', '/os-keypairs'],
  ['/os-keypairs/{id}', '/os-keypairs/k'],
  ['/os-quota-class-sets/{id}', '/os-quota-class-sets/default'],
  ['/os-quota-sets/{id}', '/os-quota-sets/{project}'],
  ['/os-quota-sets/{id}/detail', '/os-quota-sets/{project}/detail'],
  ['/os-quota-sets/{id}/defaults', '/os-quota-sets/{project}/defaults'],
  ['/os-server-groups', '/os-server-groups'],
  ['/os-server-groups/{id}', '/os-server-groups/{group}'],
  ['/os-services', '/os-services'],
  ['/servers', '/servers'],
  ['/servers/detail', '/servers/detail'],
  ['/servers/{id}', '/servers/{server}'],
  ['/servers/{server_id}/ips', '/servers/{server}/ips'],
  ['/servers/{server_id}/ips/{id}', '/servers/{server}/ips/private'],
  ['/servers/{server_id}/metadata', '/servers/{server}/metadata'],
  ['/servers/{server_id}/metadata/{id}', '/servers/{server}/metadata/a'],
  ['/servers/{server_id}/os-instance-actions', '/servers/{server}/os-instance-actions'],
  ['/servers/{server_id}/os-instance-actions/{id}', '/servers/{server}/os-instance-actions/{request}'],
  ['/servers/{server_id}/os-interface', '/servers/{server}/os-interface'],
  ['/servers/{server_id}/os-interface/{id}', '/servers/{server}/os-interface/{port}'],
  ['/servers/{server_id}/tags', '/servers/{server}/tags', 26],
]
const fill = (where: string) => where.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name]!)

test('what is read has the described fields, and no others, at every microversion', { timeout: 60_000 }, async () => {
  const complaints = new Map<string, string[]>()
  for (const [path, where, since = 1, until = newest] of reads) {
    const [schema] = description.answer('GET', `/v2.1${path}`, 200)
    assert.ok(schema, `${path} is not described`)
    for (const version of all) {
      const number = Number(version.split('.')[1])
      const { status, body } = await call('GET', fill(where), undefined, version)
      const isThere = number >= since && number <= until
      if (!isThere && since === 53) continue
      assert.equal(status, isThere ? 200 : 404, `GET ${where} at ${version}: ${JSON.stringify(body)}`)
      if (!isThere) continue
      for (const line of differences(description, schema, body, version)) {
        const key = `GET ${path}: ${line}`
        complaints.set(key, [...(complaints.get(key) ?? []), version])
      }
    }
  }
  const isExcused = (line: string) => excusedAnswers.some(({ lines }) => lines.some((pattern) => pattern.test(line)))
  const open = [...complaints].filter(([line]) => !isExcused(line))
  const text = open.map(([line, at]) => `${line} (${at[0]} to ${at.at(-1)})`).join('\n')
  assert.equal(text, '', `mend these or argue them in test/contract/compute-exceptions.ts:\n${text}`)
  const stale = excusedAnswers.flatMap(({ lines }) =>
    lines.filter((pattern) => ![...complaints.keys()].some((line) => pattern.test(line))),
  )
  assert.deepEqual(stale.map(String), [], 'no longer needed in test/contract/compute-exceptions.ts')
})

/** Bodies that are taken, by path of the file and where they are sent. Sent here only broken. */
const writes: readonly (readonly [method: string, path: string, where: string, body: object, since?: number])[] = [
  ['POST', '/servers', '/servers', { server: { name: 'x', flavorRef: 'f1', imageRef: imageId, networks: 'none' } }, 37],
  ['PUT', '/servers/{id}', '/servers/{server}', { server: { name: 'x' } }],
  ['POST', '/flavors', '/flavors', { flavor: { name: 'x', ram: 1, vcpus: 1, disk: 1 } }],
  ['PUT', '/flavors/{id}', '/flavors/f1', { flavor: { description: 'x' } }, 55],
  ['POST', '/flavors/{flavor_id}/os-extra_specs', '/flavors/f1/os-extra_specs', { extra_specs: { a: 'b' } }],
  ['POST', '/os-keypairs', '/os-keypairs', { keypair: { name: 'x', type: 'ssh', public_key: 'x' } }, 92],
  ['POST', '/os-aggregates', '/os-aggregates', { aggregate: { name: 'x' } }],
  ['PUT', '/os-aggregates/{id}', '/os-aggregates/{aggregate}', { aggregate: { name: 'x' } }],
  ['POST', '/os-server-groups', '/os-server-groups', { server_group: { name: 'x', policy: 'affinity' } }, 64],
  ['PUT', '/os-quota-sets/{id}', '/os-quota-sets/{project}', { quota_set: { cores: 1 } }],
  ['PUT', '/os-quota-class-sets/{id}', '/os-quota-class-sets/default', { quota_class_set: { cores: 1 } }],
  ['POST', '/servers/{server_id}/metadata', '/servers/{server}/metadata', { metadata: { a: 'b' } }],
  ['PUT', '/servers/{server_id}/metadata', '/servers/{server}/metadata', { metadata: { a: 'b' } }],
  ['PUT', '/servers/{server_id}/metadata/{id}', '/servers/{server}/metadata/a', { meta: { a: 'b' } }],
  ['PUT', '/servers/{server_id}/tags', '/servers/{server}/tags', { tags: ['x'] }, 26],
  [
    'POST',
    '/servers/{server_id}/os-interface',
    '/servers/{server}/os-interface',
    { interfaceAttachment: { net_id: networkId } },
  ],
  [
    'POST',
    '/servers/{server_id}/remote-consoles',
    '/servers/{server}/remote-consoles',
    { remote_console: { protocol: 'vnc', type: 'novnc' } },
    6,
  ],
  [
    'POST',
    '/os-server-external-events',
    '/os-server-external-events',
    { events: [{ name: 'network-changed', server_uuid: networkId }] },
  ],
]

/** The body with one more field in each object that may not have it, and with each described field of a wrong type. */
function* broken(schema: Schema, body: unknown, path: string): Generator<readonly [what: string, body: unknown]> {
  const known = description.resolve(schema)
  if (Array.isArray(body) && known.items) {
    for (const [what, first] of broken(known.items, body[0], `${path}[0]`)) yield [what, [first, ...body.slice(1)]]
    return
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return
  if (known.additionalProperties === false && !known.patternProperties)
    yield [`${path}.no_such_field`, { ...body, no_such_field: 1 }]
  for (const [name, each] of Object.entries(known.properties ?? {})) {
    const part = description.resolve(each)
    const takesObjects = part.oneOf || part.type === undefined || [part.type].flat().includes('object')
    if (!takesObjects) yield [`${path}.${name} as an object`, { ...body, [name]: { wrong: 'type' } }]
    const value = (body as Record<string, unknown>)[name]
    if (value !== undefined)
      for (const [what, inner] of broken(part, value, `${path}.${name}`)) yield [what, { ...body, [name]: inner }]
  }
}

test('unknown fields and values of the wrong type are refused with 400, at every microversion', async () => {
  const taken = new Set<string>()
  let sent = 0
  for (const [method, path, where, body, since = 1] of writes) {
    const candidates = description.request(method, `/v2.1${path}`)
    assert.ok(candidates.length > 0, `${method} ${path} is not described`)
    for (const version of all.slice(since - 1)) {
      const schema = candidates.findLast((each) => isOf(each, version))
      if (!schema) continue
      for (const [what, json] of broken(schema, body, 'body')) {
        sent++
        const { status } = await call(method, fill(where), json, version)
        if (status !== 400) taken.add(`${method} ${path}: ${what} answered ${status} at ${version}`)
      }
    }
  }
  assert.deepEqual([...taken], [])
  assert.ok(sent > 1000)
})

test('what nova has removed answers 410, with a token', async () => {
  for (const path of ['/os-cells', '/os-agents', '/os-fping', `/servers/${ids['server']}/consoles`]) {
    const { status, body } = await call('GET', path)
    assert.deepEqual([status, body['computeFault']!['code']], [410, 410])
    assert.equal((await cloud.call('nobody', 'GET', path)).status, 401)
  }
})

test("another project's and absent objects are 404, a reader's writes 403, nobody's 401", async () => {
  const objects = [
    ['GET', '/servers/{server}'],
    ['PUT', '/servers/{server}', { server: { name: 'x' } }],
    ['DELETE', '/servers/{server}'],
    ['POST', '/servers/{server}/action', { 'os-stop': null }],
    ['GET', '/servers/{server}/metadata'],
    ['PUT', '/servers/{server}/tags/x'],
    ['GET', '/servers/{server}/ips'],
    ['GET', '/servers/{server}/os-interface'],
    ['GET', '/servers/{server}/os-instance-actions'],
    ['GET', '/os-server-groups/{group}'],
    ['DELETE', '/os-server-groups/{group}'],
  ] as const
  for (const [method, where, json] of objects) {
    assert.equal((await cloud.call('other', method, fill(where), json)).status, 404, `other: ${method} ${where}`)
    const absent = where.replaceAll(/\{\w+\}/g, '99999999-9999-4999-8999-999999999999')
    assert.equal((await call(method, absent, json)).status, 404, `absent: ${method} ${where}`)
    assert.equal((await cloud.call('nobody', method, fill(where), json)).status, 401, `nobody: ${method} ${where}`)
  }
  const server = { name: 'r', flavorRef: 'f1', imageRef: imageId, networks: 'none' }
  assert.equal((await cloud.call('reader', 'POST', '/servers', { server })).status, 403)
  assert.equal((await cloud.call('demo', 'POST', '/flavors', { flavor: {} })).status, 400)
  const flavor = { name: 'x', ram: 1, vcpus: 1, disk: 1 }
  assert.equal((await cloud.call('demo', 'POST', '/flavors', { flavor })).status, 403)
})
