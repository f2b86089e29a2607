/** What tests do again and again: a cloud with hosts, a server on it, and what becomes of it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { eventually, FakeAgent, TestCloud, type Tree } from './cloud.ts'
import { imageId, networkId } from './fakes.ts'

export const text = (value: Tree | undefined) => value as unknown as string
export const flavor = { name: 'm1.tiny', id: '1', ram: 64, vcpus: 1, disk: 1 }

/** A cloud that ends with the test; `config` is its nova.conf. */
export async function cloudWith(t: TestContext, hosts = ['h1'], config = '') {
  const cloud = new TestCloud()
  writeFileSync(join(cloud.folder, 'nova.conf'), config)
  await cloud.start()
  t.after(() => cloud.stop())
  const agents = hosts.map((host) => new FakeAgent(cloud.bus, host))
  for (const agent of agents) await agent.heartbeat()
  assert.equal((await cloud.call('admin', 'POST', '/flavors', { flavor })).status, 200)
  return { cloud, agents }
}

export const wanted = (more: object = {}) => ({
  server: { name: 'first', imageRef: imageId, flavorRef: '1', networks: [{ uuid: networkId }], ...more },
})
export const post = (cloud: TestCloud, more: object = {}, who = 'demo') =>
  cloud.call(who, 'POST', '/servers', wanted(more))
export const show = async (cloud: TestCloud, id: string, who = 'admin') =>
  (await cloud.call(who, 'GET', `/servers/${id}`)).body['server']!
export const reaches = (cloud: TestCloud, id: string, status: string) =>
  eventually(async () => text((await show(cloud, id))['status']) === status, `${id} ${status}`)

/** A server that runs. */
export async function active(cloud: TestCloud, more: object = {}): Promise<string> {
  const { status, body } = await post(cloud, more)
  assert.equal(status, 202, JSON.stringify(body))
  const id = text(body['server']!['id'])
  await reaches(cloud, id, 'ACTIVE')
  return id
}

/** What a refusal says; throws where the status is another. */
export function refusal({ status, body }: { status: number; body: Tree }, expected: number): string {
  assert.equal(status, expected, JSON.stringify(body))
  return text(Object.values(body)[0]!['message'])
}
