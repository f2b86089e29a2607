/**
 * Glance is killed at random points of uploads, imports and deletions. After each start: no image is stuck, no file is an
 * orphan, every active image is whole, and usage is what a recount says.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const rounds = Number(process.env['NEPHOS_CRASH_ROUNDS'] ?? 12)
const mebibyte = 1024 * 1024

interface Shown {
  id: string
  status: string
  size: number | null
  stores?: string
  os_hash_value: string | null
  os_glance_import_task?: string
}

class Glance {
  readonly folder: string
  readonly #config: string
  #child: ChildProcess | undefined
  #url = ''

  constructor(folder: string, config: string) {
    this.folder = folder
    this.#config = config
  }

  async start() {
    const program = join(import.meta.dirname, 'image-process.ts')
    const child = spawn(process.execPath, [program, this.folder, this.#config], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#child = child
    const [line] = (await once(child.stdout!, 'data')) as [Buffer]
    this.#url = `http://127.0.0.1:${line.toString().trim()}/v2`
  }

  async kill() {
    const ended = once(this.#child!, 'exit')
    this.#child!.kill('SIGKILL')
    await ended
  }

  request(method: string, path: string, options: { json?: unknown; data?: Readable } = {}): Promise<Response> {
    const { json, data } = options
    return fetch(this.#url + path, {
      method,
      headers: {
        'X-Auth-Token': 'admin',
        ...(json !== undefined && { 'Content-Type': 'application/json' }),
        ...(data && { 'Content-Type': 'application/octet-stream' }),
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(data && { body: Readable.toWeb(data) as never, duplex: 'half' }),
    } as RequestInit)
  }

  async json<T>(method: string, path: string, json?: unknown): Promise<T> {
    const answer = await this.request(method, path, json === undefined ? {} : { json })
    return (await answer.json()) as T
  }

  /** Polls until nothing is under way; fails when something stays. */
  async quiet(): Promise<Shown[]> {
    for (const deadline = Date.now() + 30_000; ;) {
      const { images } = await this.json<{ images: Shown[] }>('GET', '/images?limit=1000')
      const busy = images.filter(
        (image) => ['saving', 'importing'].includes(image.status) || image.os_glance_import_task !== undefined,
      )
      if (busy.length === 0) return images
      assert.ok(Date.now() < deadline, `stuck: ${JSON.stringify(busy)}`)
      await sleep(20)
    }
  }
}

const names = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : [])

/** Sends data with pauses, so that a kill meets it in the middle. */
function slowly(data: Buffer): Readable {
  return Readable.from(
    (async function* () {
      for (let at = 0; at < data.length; at += 300_000) {
        yield data.subarray(at, at + 300_000)
        await sleep(2)
      }
    })(),
  )
}

async function check(glance: Glance, expected: ReadonlyMap<string, string>) {
  const images = await glance.quiet()
  const stored = (store: string) =>
    images.filter((image) => (image.stores ?? '').split(',').includes(store)).map((image) => image.id)
  const state = join(glance.folder, 'state')
  assert.deepEqual(names(join(state, 'images')), stored('file').sort(), 'files of the first store')
  assert.deepEqual(names(join(state, 'stores', 'second')), stored('second').sort(), 'files of the second store')
  const staged = images.filter((image) => image.status === 'uploading').map((image) => image.id)
  // An import that has ended removes what was staged for it right after.
  for (const deadline = Date.now() + 5_000; names(join(state, 'staging')).length > staged.length; await sleep(10))
    if (Date.now() > deadline) break
  assert.deepEqual(names(join(state, 'staging')), staged.sort(), 'staged files')
  let total = 0
  for (const image of images) {
    if (image.status !== 'active') {
      assert.ok(['queued', 'uploading'].includes(image.status), image.status)
      assert.equal(image.stores, undefined)
      continue
    }
    const data = Buffer.from(await (await glance.request('GET', `/images/${image.id}/file`)).arrayBuffer())
    const hash = createHash('sha512').update(data).digest('hex')
    assert.deepEqual([hash, hash], [image.os_hash_value, expected.get(image.id)], 'the data is whole')
    total += data.length * image.stores!.split(',').length
  }
  const { usage } = await glance.json<{ usage: Record<string, { usage: number }> }>('GET', '/info/usage')
  assert.deepEqual(
    [usage['image_size_total']!.usage, usage['image_count_total']!.usage, usage['image_count_uploading']!.usage],
    [Math.floor(total / mebibyte), images.length, staged.length],
    'usage',
  )
}

test('killed at any point, glance comes back whole', { timeout: 300_000 }, async (t) => {
  const data = randomBytes(2_500_000)
  const hash = createHash('sha512').update(data).digest('hex')
  const web = createServer((_request, response) => slowly(data).pipe(response))
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  const uri = `http://127.0.0.1:${(web.address() as AddressInfo).port}/image`
  const folder = mkdtempSync(join(tmpdir(), 'nephos-crash-'))
  const glance = new Glance(
    folder,
    [
      '[DEFAULT]\nuse_keystone_limits = true\nenabled_backends = file:file, second:file',
      '[import_filtering_opts]\nallowed_ports =\nallowed_networks = 127.0.0.1/32\n',
    ].join('\n'),
  )
  t.after(async () => {
    await glance.kill().catch(() => undefined)
    web.closeAllConnections()
    web.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const expected = new Map<string, string>()
  const make = async () => {
    const body = { disk_format: 'raw', container_format: 'bare' }
    const { id } = await glance.json<Shown>('POST', '/images', body)
    expected.set(id, hash)
    return id
  }
  const stories: (() => Promise<unknown>)[] = [
    async () => glance.request('PUT', `/images/${await make()}/file`, { data: slowly(data) }),
    async () => {
      const id = await make()
      await glance.request('PUT', `/images/${id}/stage`, { data: slowly(data) })
      await glance.request('POST', `/images/${id}/import`, {
        json: { method: { name: 'glance-direct' }, all_stores: true },
      })
    },
    async () =>
      glance.request('POST', `/images/${await make()}/import`, { json: { method: { name: 'web-download', uri } } }),
    async () => {
      const id = await make()
      await glance.request('PUT', `/images/${id}/file`, { data: Readable.from([data]) })
      await glance.request('POST', `/images/${id}/import`, {
        json: { method: { name: 'copy-image' }, stores: ['second'] },
      })
      await sleep(10)
      await glance.request('DELETE', `/images/${id}`)
    },
    async () => {
      const { images } = await glance.json<{ images: Shown[] }>('GET', '/images?limit=5&sort=created_at:asc')
      await Promise.all(images.slice(0, 3).map((image) => glance.request('DELETE', `/images/${image.id}`)))
    },
  ]
  await glance.start()
  for (let round = 0; round < rounds; round++) {
    const running = stories.map((story) => story().catch(() => undefined)) // the kill cuts them
    await sleep(20 + Math.random() * 250)
    await glance.kill()
    await Promise.all(running)
    await glance.start()
    await check(glance, expected)
  }
})
