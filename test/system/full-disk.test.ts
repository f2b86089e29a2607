/** A disk that fills up under a cloud: nothing ends, nothing hangs, refusals say why, and all is well with space again. */
import assert from 'node:assert/strict'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, utimesSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readStatus, StatusFile } from '../../src/cmd/status-file.ts'
import { hostNamespaces, inNamespaces, reasonToSkip } from '../../src/host/testing.ts'
import { eventually, login, type Api } from '../api.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'
import { must } from '../host.ts'

inNamespaces(import.meta.filename, { skip: await reasonToSkip([]), unshare: hostNamespaces }, defineTests)

function defineTests() {
  const disk = mkdtempSync(join(tmpdir(), 'nph-small-'))
  const ballast = join(disk, 'ballast')
  let cloud: TestCloud
  let demo: Api
  let image = ''

  before(async () => {
    await must(['mount', '-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk], ['ip', 'link', 'set', 'lo', 'up'])
    cloud = await createTestCloud({ args: ['--fake'], parent: disk })
    await cloud.up()
    demo = await login(cloud, 'demo')
    image = (await demo.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')).body.images[0]!.id
  })
  after(async () => {
    rmSync(ballast, { force: true })
    await cloud?.destroy()
    await must(['umount', disk])
    rmSync(disk, { recursive: true })
  })

  const create = (name: string) =>
    demo.call<{ server: { id: string }; serviceUnavailable?: { message: string } }>(
      'compute',
      'POST',
      '/v2.1/servers',
      {
        server: { name, flavorRef: '42', imageRef: image, networks: 'none' },
      },
      { 'OpenStack-API-Version': 'compute 2.60' },
    )
  const statuses = async () =>
    (await demo.call<{ servers: { status: string }[] }>('compute', 'GET', '/v2.1/servers/detail')).body.servers.map(
      ({ status }) => status,
    )
  const pids = async () => (JSON.parse((await cloud.nephos('status', '--json')).output) as { pids: object }).pids

  const isUp = async () => (await cloud.nephos('status')).code === 0

  test('writers are refused with a reason, readers are served, and builds that were begun end when there is space', async () => {
    const first = await Promise.all(['a', 'b', 'c'].map(create))
    const before = await pids()
    fill(ballast)
    for (const { status } of first) assert.equal(status, 202)
    // The databases have some room in pages of their own; sooner or later each says that it is full.
    const refused = await eventually('a write is refused', async () => {
      const answer = await create('d')
      return answer.status !== 202 && answer.status !== 403 && answer
    })
    assert.equal(refused.status, 503, JSON.stringify(refused.body))
    assert.match(refused.body.serviceUnavailable?.message ?? '', /database of this service does not answer/)
    assert.ok((await statuses()).length >= 3)
    const upload = await demo.call<{ id?: string }>('image', 'POST', '/v2/images', { name: 'x' })
    assert.ok([201, 503].includes(upload.status), JSON.stringify(upload))
    assert.deepEqual(await pids(), before)

    rmSync(ballast)
    await eventually('every build has ended', async () => {
      const all = await statuses()
      return all.every((status) => status === 'ACTIVE' || status === 'ERROR')
    })
    assert.ok((await statuses()).includes('ACTIVE'))
    assert.equal((await create('e')).status, 202)
    await eventually('it runs', async () => (await statuses()).at(0) === 'ACTIVE')
    assert.deepEqual(await pids(), before)
  })

  test('a control process that is killed while the disk is full starts again and serves reads; the status is true', async () => {
    fill(ballast)
    const before = (await pids()) as { control: number }
    const server = (await demo.call<{ servers: { id: string }[] }>('compute', 'GET', '/v2.1/servers')).body.servers[0]!
    process.kill(before.control, 'SIGKILL')
    await eventually('another one is ready', async () => {
      const now = (await pids()) as { control?: number }
      return now.control !== undefined && now.control !== before.control && (await isUp())
    })
    const again = await login(cloud, 'demo')
    for (const [service, path] of [
      ['compute', `/v2.1/servers/${server.id}`],
      ['compute', '/v2.1/servers/detail'],
      ['image', `/v2/images/${image}`],
      ['network', '/v2.0/networks'],
      ['identity', '/v3/auth/catalog'],
    ] as const)
      assert.equal((await again.call(service, 'GET', path)).status, 200, path)
    const drafts = ['', 'run', 'identity'].flatMap((folder) => readdirSync(join(cloud.stateDir, folder)))
    assert.deepEqual(
      drafts.filter((name) => name.endsWith('.new')),
      [],
    )
    rmSync(ballast)
    await eventually('writes are taken again', async () => (await create('f')).status === 202)
  })

  test('a whole cloud whose supervisor was killed with a full disk starts again', async () => {
    fill(ballast)
    const { pid } = JSON.parse((await cloud.nephos('status', '--json')).output) as { pid: number }
    process.kill(pid, 'SIGKILL')
    await eventually('everything has ended', async () => (await cloud.nephos('status')).code === 1)
    // Its children end by themselves.
    await eventually('it starts', async () =>
      cloud.up().then(
        () => true,
        () => false,
      ),
    )
    const again = await login(cloud, 'demo')
    assert.equal((await again.call('compute', 'GET', '/v2.1/servers/detail')).status, 200)
    assert.ok(await isUp())
    rmSync(ballast)
    await eventually('writes are taken again', async () => (await create('g')).status === 202)
  })

  test('a status that cannot be written is marked so at once', () => {
    const folder = join(disk, 'status')
    mkdirSync(join(folder, 'run'), { recursive: true })
    const reasons: string[] = []
    const file = new StatusFile(folder, (reason) => reasons.push(reason))
    const status = { pid: process.pid, pids: {}, ready: true, startedAt: '', roles: [], remarks: [] }
    file.write(status)
    assert.equal(readStatus(folder)?.staleSince, undefined)
    fill(ballast)
    file.write({ ...status, remarks: ['short'] })
    assert.deepEqual([readStatus(folder)?.staleSince, readStatus(folder)?.remarks], [undefined, ['short']])
    const long = { ...status, remarks: ['long'.repeat(10_000)] }
    file.write(long)
    file.write(long)
    assert.match(readStatus(folder)?.staleSince ?? '', /^\d{4}-/)
    assert.equal(reasons.length, 1)
    rmSync(ballast)
    file.beat()
    assert.deepEqual([readStatus(folder)?.staleSince, readStatus(folder)?.remarks], [undefined, long.remarks])
    file.stop()
  })

  test('with a status that is out of date the roles are asked themselves', async () => {
    const { pid } = JSON.parse((await cloud.nephos('status', '--json')).output) as { pid: number }
    process.kill(pid, 'SIGSTOP')
    try {
      utimesSync(join(cloud.stateDir, 'run', 'status.json'), 0, 0)
      const { code, output } = await cloud.nephos('status', '--json')
      const { roles, remarks } = JSON.parse(output) as { roles: { role: string; state: string }[]; remarks: string[] }
      const states = Object.fromEntries(roles.map(({ role, state }) => [role, state]))
      assert.deepEqual([code, states['nova-api'], states['nova-scheduler']], [1, 'up', 'unknown'])
      assert.match(remarks.at(-1) ?? '', /was written last at \d{4}-/)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await eventually('it is true again', isUp)
  })

  test('an upload that does not fit is refused as glance does, and its rest is gone', async () => {
    const { body } = await demo.call<{ id: string }>('image', 'POST', '/v2/images', {
      name: 'large',
      disk_format: 'raw',
      container_format: 'bare',
    })
    const answer = await fetch(`${cloud.url('image')}/v2/images/${body.id}/file`, {
      method: 'PUT',
      body: Buffer.alloc(80 * 1024 * 1024, 1),
      headers: { 'X-Auth-Token': demo.token, 'Content-Type': 'application/octet-stream' },
    })
    assert.equal(answer.status, 413)
    assert.match(await answer.text(), /Image storage media is full/)
    const shown = await demo.call<{ status: string }>('image', 'GET', `/v2/images/${body.id}`)
    assert.equal(shown.body.status, 'queued')
    assert.equal((await demo.call('image', 'DELETE', `/v2/images/${body.id}`)).status, 204)
  })
}

/** Takes all the space that is left. */
function fill(file: string) {
  const handle = openSync(file, 'a')
  const block = Buffer.alloc(64 * 1024)
  try {
    for (let size = block.length; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) writeSync(handle, block, 0, size)
      } catch {
        // A smaller piece may still fit.
      }
    }
  } finally {
    closeSync(handle)
  }
}
