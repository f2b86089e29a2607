/**
 * Glance alone, as a process of its own: 1 GiB up and down, and listings of 10,000 images, as JSON lines. Upload is
 * compared with the slower of the disk and of md5 and sha512 in two threads, download with a plain server of the file; both
 * in the same run; `cpuMs` is what the process spent, user and system. Usage: npm run bench image
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
import { bareServer, timed } from './processes.ts'

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

function rate({ seconds }: Timed) {
  return Math.round(1024 / seconds)
}

function memory() {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024
}

/** The best of three rounds of everything, since whatever else runs on the machine only ever makes them worse. */
async function data(port: number) {
  const best: Record<string, Timed> = {}
  const note = async (name: string, pid: number, work: () => Promise<unknown>) => {
    const { seconds, cpuMs } = await timed(pid, work)
    const before = best[name] ?? { seconds: Infinity, cpuMs: Infinity }
    best[name] = { seconds: Math.min(before.seconds, seconds), cpuMs: Math.min(before.cpuMs, cpuMs) }
  }
  const glance = child.pid!
  const before = memory()
  for (let round = 0; round < 3; round++) {
    await note('disk', process.pid, writeToDisk)
    await note('hashes', process.pid, hashInThreads)
    const image = { disk_format: 'raw', container_format: 'bare' }
    const { id } = await call<{ id: string }>(port, 'POST', '/images', image)
    await note('up', glance, () => upload(port, id))
    await note('down', glance, () => download(`http://127.0.0.1:${port}/v2/images/${id}/file`))
    const plain = await bareServer({ file: join(folder, 'state', 'images', id) })
    await note('plain', plain.pid, () => download(plain.url))
    plain.stop()
    await call(port, 'DELETE', `/images/${id}`)
  }
  const { disk, hashes, up, down, plain } = best as Record<'disk' | 'hashes' | 'up' | 'down' | 'plain', Timed>
  const memoryMiB = Math.round(memory() - before)
  const ratio = (one: number, other: number) => Number((one / other).toFixed(2))
  print('image upload of 1 GiB, MiB/s', {
    rate: rate(up),
    cpuMs: up.cpuMs,
    disk: rate(disk),
    hashes: rate(hashes),
    hashesCpuMs: hashes.cpuMs,
    ratio: ratio(Math.max(disk.seconds, hashes.seconds), up.seconds),
    cpuRatio: ratio(hashes.cpuMs, up.cpuMs),
    memoryMiB,
  })
  print('image download of 1 GiB, MiB/s', {
    rate: rate(down),
    cpuMs: down.cpuMs,
    plain: rate(plain),
    plainCpuMs: plain.cpuMs,
    ratio: ratio(plain.seconds, down.seconds),
    cpuRatio: ratio(plain.cpuMs, down.cpuMs),
  })
}

type Timed = Awaited<ReturnType<typeof timed>>

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

async function download(url: string) {
  const outgoing = request(url, { headers: { 'X-Auth-Token': 'admin' } }).end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) bytes += chunk.length
  if (bytes !== size) throw new Error(`download of ${bytes} bytes`)
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
