/** Lists that are walked page by page are the lists. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { FakeAgent, TestCloud, type Tree } from '../testing/cloud.ts'

const cloud = new TestCloud()
before(async () => {
  await cloud.start()
  for (const host of ['h1', 'h2', 'h3', 'h4', 'h5']) await new FakeAgent(cloud.bus, host).heartbeat()
  for (const [index, name] of ['e', 'b', 'd', 'a', 'c'].entries()) {
    const flavor = { name, id: `${index}`, ram: 512 * (1 + (index % 2)), vcpus: 1, disk: index }
    await make('/flavors', { flavor })
    await make('/os-keypairs', { keypair: { name, public_key: publicKey } })
    await make('/os-server-groups', { server_group: { name, policies: ['affinity'] } })
  }
  await make('/flavors', {
    flavor: { name: 'hidden', id: 'x', ram: 1, vcpus: 1, disk: 1, 'os-flavor-access:is_public': false },
  })
})
after(() => cloud.stop())

const publicKey = `ssh-ed25519 ${Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from('ssh-ed25519'),
  Buffer.from([0, 0, 0, 32]),
  Buffer.alloc(32, 7),
]).toString('base64')} someone`

async function make(path: string, body: object) {
  const made = await cloud.call('admin', 'POST', path, body, '2.1')
  assert.equal(made.status, 200, JSON.stringify(made.body))
}

const list = async (path: string, version: string) => {
  const { status, body } = await cloud.call('admin', 'GET', path, undefined, version)
  assert.equal(status, 200, JSON.stringify(body))
  return body as Record<string, Tree>
}

/** What a list shows on pages of two, following the links. */
async function walk(path: string, plural: string, version: string): Promise<Tree[]> {
  const found: Tree[] = []
  for (let next: string | undefined = `${path}${path.includes('?') ? '&' : '?'}limit=2`; next !== undefined;) {
    const body: Record<string, Tree> = await list(next, version)
    found.push(...(body[plural] as unknown as Tree[]))
    const [link] = (body[`${plural}_links`] ?? []) as unknown as { href: string }[]
    next = link && link.href.slice(link.href.indexOf(path.split('?')[0]!))
  }
  return found
}

test('flavors in every order, hypervisors and keypairs', async () => {
  const paths: [path: string, plural: string, version: string][] = [
    ['/os-hypervisors', 'hypervisors', '2.33'],
    ['/os-hypervisors/detail', 'hypervisors', '2.96'],
    ['/os-keypairs', 'keypairs', '2.35'],
  ]
  for (const key of ['flavorid', 'name', 'memory_mb', 'root_gb', 'created_at', 'disabled'])
    for (const direction of ['asc', 'desc'])
      paths.push([`/flavors?sort_key=${key}&sort_dir=${direction}&is_public=None`, 'flavors', '2.1'])
  for (const [path, plural, version] of paths) {
    const whole = (await list(path, version))[plural] as unknown as Tree[]
    assert.ok(whole.length >= 5, path)
    assert.deepEqual(await walk(path, plural, version), whole, path)
  }
})

test('a marker that is not there is refused by name; server groups are cut by offset', async () => {
  for (const path of ['/flavors', '/os-keypairs', '/os-hypervisors']) {
    const { status, body } = await cloud.call('admin', 'GET', `${path}?marker=none`, undefined, '2.35')
    assert.equal(status, 400)
    assert.match(JSON.stringify(body), /marker \[none\] not found/)
  }
  const names = async (query: string) =>
    ((await list(`/os-server-groups${query}`, '2.1'))['server_groups'] as unknown as { name: string }[]).map(
      ({ name }) => name,
    )
  const all = await names('')
  assert.equal(all.length, 5)
  assert.deepEqual(await names('?limit=2&offset=1'), all.slice(1, 3))
  assert.deepEqual(await names('?offset=4'), all.slice(4))
})
