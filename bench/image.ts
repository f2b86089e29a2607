/**
 * Glance alone, as a process of its own: 1 GiB up and down, and listings of 10,000 images, as JSON lines. Upload is
 * compared with the slower of the disk and of md5 and sha512 in two threads, download with a plain server of the file; both
 * in the same run. Usage: node bench/image.ts
 */
import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { frugal, nodeFlags } from '../src/cmd/node-flags.ts'
import { measure, print } from './measure.ts'

const mebibyte = 1024 * 1024
const size = 1024 * mebibyte
const block = randomBytes(mebibyte)

const folder = mkdtempSync(join(process.env['NEPHOS_BENCH_DIR'] ?? tmpdir(), 'nephos-bench-'))
const program = join(import.meta.dirname, '..', 'test', 'system', 'image-process.ts')
const child = spawn(process.execPath, [...nodeFlags, program, folder, ''], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, ...frugal },
})
try {
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(line.toString())
  await data(port)
  await listings(port)
} finally {
  child.kill()
  rmSync(folder, { recursive: true, force: true })
}

async function call<T>(port: number, method: string, path: string, json?: unknown): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${port}/v2${path}`, {
    method,
    headers: { 'X-Auth-Token': 'admin', ...(json !== undefined && { 'Content-Type': 'application/json' }) },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  })
  return (answer.status === 204 ? undefined : await answer.json()) as T
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

function rate(time: number) {
  return Math.round(1024 / time)
}

function memory() {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024
}

/** The best of three rounds of everything, since whatever else runs on the machine only ever makes them worse. */
async function data(port: number) {
  const best: Record<string, number> = {}
  const note = (name: string, time: number) => (best[name] = Math.min(best[name] ?? Infinity, time))
  const before = memory()
  for (let round = 0; round < 3; round++) {
    note('disk', await seconds(writeToDisk))
    note('hashes', await seconds(hashInThreads))
    const image = { disk_format: 'raw', container_format: 'bare' }
    const { id } = await call<{ id: string }>(port, 'POST', '/images', image)
    note('up', await seconds(() => upload(port, id)))
    note('down', await seconds(() => download(port, `/v2/images/${id}/file`)))
    const file = join(folder, 'state', 'images', id)
    note('plain', await withStaticServer(file, (other) => seconds(() => download(other, '/'))))
    await call(port, 'DELETE', `/images/${id}`)
  }
  const { disk = 0, hashes = 0, up = 0, down = 0, plain = 0 } = best
  const memoryMiB = Math.round(memory() - before)
  const ratio = (one: number, other: number) => Number((one / other).toFixed(2))
  print('image upload of 1 GiB, MiB/s', {
    rate: rate(up),
    disk: rate(disk),
    hashes: rate(hashes),
    ratio: ratio(Math.max(disk, hashes), up),
    memoryMiB,
  })
  print('image download of 1 GiB, MiB/s', { rate: rate(down), plain: rate(plain), ratio: ratio(plain, down) })
}

async function writeToDisk() {
  const file = join(folder, 'baseline')
  const handle = await open(file, 'w')
  for (let at = 0; at < size; at += block.length) await handle.write(block, 0, block.length, at)
  await handle.sync()
  await handle.close()
  await rm(file)
}

/** One thread for each algorithm, over the same bytes. */
function hashInThreads() {
  return Promise.all(
    ['md5', 'sha512'].map((algorithm) => {
      const code = `
        const { createHash } = require('node:crypto')
        const { parentPort, workerData } = require('node:worker_threads')
        const hash = createHash(workerData.algorithm)
        for (let n = 0; n < workerData.count; n++) hash.update(workerData.block)
        parentPort.postMessage(hash.digest('hex'))`
      const worker = new Worker(code, { eval: true, workerData: { algorithm, block, count: size / block.length } })
      return once(worker, 'message')
    }),
  )
}

async function upload(port: number, id: string) {
  const headers = {
    'X-Auth-Token': 'admin',
    'Content-Type': 'application/octet-stream',
    'Content-Length': String(size),
  }
  const outgoing = request({ host: '127.0.0.1', port, method: 'PUT', path: `/v2/images/${id}/file`, headers })
  const answer = once(outgoing, 'response')
  for (let at = 0; at < size; at += block.length) if (!outgoing.write(block)) await once(outgoing, 'drain')
  outgoing.end()
  const [{ statusCode }] = (await answer) as [IncomingMessage]
  if (statusCode !== 204) throw new Error(`upload answered ${statusCode}`)
}

async function download(port: number, path: string) {
  const outgoing = request({ host: '127.0.0.1', port, path, headers: { 'X-Auth-Token': 'admin' } }).end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) bytes += chunk.length
  if (bytes !== size) throw new Error(`download of ${bytes} bytes`)
}

/** A server that does nothing but send a file, in a process of its own as glance is. */
async function withStaticServer<T>(file: string, work: (port: number) => Promise<T>): Promise<T> {
  const code = `
    const { createServer } = require('node:http')
    const { createReadStream, statSync } = require('node:fs')
    const file = process.argv[1]
    const server = createServer((_request, response) => {
      response.setHeader('Content-Length', statSync(file).size)
      createReadStream(file).pipe(response)
    })
    server.listen(0, '127.0.0.1', () => console.log(server.address().port))`
  const other = spawn(process.execPath, ['-e', code, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(other.stdout, 'data')) as [Buffer]
    return await work(Number(line.toString()))
  } finally {
    other.kill()
  }
}

async function listings(port: number) {
  const database = new DatabaseSync(join(folder, 'image.db'))
  const insert = database.prepare(
    `insert into images (id, name, status, visibility, owner, disk_format, container_format, min_disk, min_ram,
       is_protected, is_hidden, size, created_at, updated_at, reserved)
     values (?, ?, 'active', ?, ?, 'qcow2', 'bare', 0, 0, 0, 0, 1000, ?, ?, 0)`,
  )
  const property = database.prepare('insert into properties (image_id, name, value) values (?, ?, ?)')
  const tag = database.prepare('insert into tags (image_id, tag) values (?, ?)')
  database.exec('begin')
  for (let n = 0; n < 10_000; n++) {
    const id = randomUUID()
    insert.run(id, `image-${n}`, n % 10 === 0 ? 'public' : 'shared', n % 3 === 0 ? 'alice' : 'bob', n, n)
    for (const name of ['os_distro', 'os_version', 'architecture']) property.run(id, name, `${n % 7}`)
    tag.run(id, `tag-${n % 5}`)
  }
  database.exec('commit')
  database.close()
  const get = async (token: string, query: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/images?limit=100${query}`, {
      headers: { 'X-Auth-Token': token },
    })
    const { images } = (await answer.json()) as { images: unknown[] }
    if (images.length !== 100) throw new Error(`${images.length} images`)
  }
  for (const [name, token, query] of [
    ['GET /v2/images?limit=100 of 10,000, administrator', 'admin', ''],
    ['GET /v2/images?limit=100 of 10,000, a project', 'alice', ''],
    ['GET /v2/images?limit=100 of 10,000, by name and property', 'alice', '&sort=name:asc&os_distro=3'],
  ] as const)
    print(name, await measure({ clients: 1, count: 200 }, () => get(token, query)))
}
