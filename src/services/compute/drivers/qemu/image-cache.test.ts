/** Images as qemu-img makes them, on their way to the base of a disk. */
import assert from 'node:assert/strict'
import { createReadStream, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { randomBytes, randomUUID } from 'node:crypto'
import { run } from '../../../../host/command.ts'
import { reasonToSkip } from '../../../../host/testing.ts'
import { DriverError } from '../driver.ts'
import { ImageCache } from './image-cache.ts'

const skip = await reasonToSkip(['qemu-img', 'prlimit', 'unshare', 'setpriv'])
const nobody = { uid: 65_534, gid: 65_534 }
const mib = 1024 ** 2
const content = randomBytes(3 * mib)

interface Fixture {
  cache: ImageCache
  /** A file of this format that has the content. */
  make(format: string, options?: string): Promise<string>
  serve(file: string): void
  folder: string
  fetched: string[]
  notes: string[]
  note(what: string): void
}

async function fixture(t: TestContext): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), 'nephos-image-cache-'))
  await run(['chmod', '711', dir])
  t.after(() => rm(dir, { recursive: true }))
  const fetched: string[] = []
  const notes: string[] = []
  let served = ''
  const folder = join(dir, '_base')
  writeFileSync(join(dir, 'content'), content)
  const cache = new ImageCache(folder, async (id) => (fetched.push(id), createReadStream(served)))
  return {
    cache,
    folder,
    fetched,
    notes,
    note: (what) => void notes.push(what),
    serve: (file) => (served = file),
    async make(format, options = '') {
      const file = join(dir, `image.${format}`)
      const more = options === '' ? [] : ['-o', options]
      await run(['qemu-img', 'convert', '-q', '-f', 'raw', '-O', format, ...more, join(dir, 'content'), file])
      return file
    },
  }
}

const image = (diskFormat: string) => ({ id: randomUUID(), diskFormat, properties: {} })
const fails =
  (message: RegExp, isEverywhere = true) =>
  (error: unknown) =>
    error instanceof DriverError && message.test(error.message) && error.isEverywhere === isEverywhere

const forms: [declared: string, format: string, options: string][] = [
  ['vmdk', 'vmdk', ''],
  ['vmdk', 'vmdk', 'subformat=streamOptimized'],
  ['vdi', 'vdi', ''],
  ['vdi', 'vdi', 'static=on'],
  ['vhd', 'vpc', 'force_size=on'],
  ['vhd', 'vpc', 'subformat=fixed,force_size=on'],
  ['vhdx', 'vhdx', 'block_size=1M'],
]

for (const [declared, format, options] of forms) {
  test(`${declared} ${options} becomes raw once, as QEMU's user, and is shared`, { skip }, async (t) => {
    const { cache, make, serve, folder, fetched, notes, note } = await fixture(t)
    serve(await make(format, options))
    const one = image(declared)
    const get = () => cache.get(one, 8 * mib, nobody, note)
    const [first, second] = await Promise.all([get(), get()])
    assert.deepEqual(first, second)
    assert.deepEqual([first.format, first.virtualSize], ['raw', content.length])
    assert.ok(readFileSync(first.file).equals(content))
    assert.deepEqual(await get(), first)
    await cache.share(one, nobody)
    const { uid, gid, mode } = await stat(first.file)
    assert.deepEqual([uid, gid, mode & 0o777], [0, nobody.gid, 0o640])
    assert.deepEqual([fetched, notes], [[one.id], ['download image', 'convert image']])
    assert.deepEqual(readdirSync(folder), [one.id])
  })
}

for (const [declared, options] of [
  ['qcow2', 'compat=0.10'],
  ['qcow2', 'cluster_size=512'],
  ['raw', ''],
] as const) {
  test(`${declared} ${options} is used as it is`, { skip }, async (t) => {
    const { cache, make, serve, notes, note } = await fixture(t)
    serve(await make(declared, options))
    const { format, virtualSize } = await cache.get(image(declared), undefined, undefined, note)
    assert.deepEqual([format, virtualSize, notes], [declared, content.length, ['download image']])
  })
}

test(
  'a flavor that is too small is told so before anything is unpacked, and keeps nobody else from it',
  { skip },
  async (t) => {
    const { cache, make, serve, folder, notes, note, fetched } = await fixture(t)
    serve(await make('vmdk', 'subformat=streamOptimized'))
    const one = image('vmdk')
    const [small, large] = await Promise.allSettled([
      cache.get(one, mib, undefined, note),
      cache.get(one, 8 * mib, undefined, note),
    ])
    assert.ok(small.status === 'rejected' && large.status === 'fulfilled')
    assert.ok(fails(/Flavor's disk is too small.*1048576 bytes, image is 3145728 bytes/)(small.reason))
    assert.deepEqual([fetched, notes], [[one.id], ['download image', 'convert image']])
    await assert.rejects(cache.get(one, mib, undefined, note), fails(/too small/))
    const other = image('vmdk')
    await assert.rejects(cache.get(other, mib, undefined, note), fails(/too small/))
    assert.deepEqual(readdirSync(folder).toSorted(), [one.id, `${other.id}.vmdk`].toSorted())
  },
)

test('without a bound of the flavor an image is bounded by the room that there is', { skip }, async (t) => {
  const { cache, make, serve, folder, note } = await fixture(t)
  const file = await make('vhdx')
  await run(['qemu-img', 'create', '-q', '-f', 'vhdx', file, '60T'])
  serve(file)
  await assert.rejects(
    cache.get(image('vhdx'), undefined, undefined, note),
    fails(/which the host does not have/, false),
  )
  assert.ok(!readdirSync(folder).some((name) => name.endsWith('.raw')))
})

test('what an earlier process left of its work is used or made again', { skip }, async (t) => {
  const { cache, make, serve, folder, notes, note } = await fixture(t)
  serve(await make('vhdx'))
  const one = image('vhdx')
  await cache.get(one, 8 * mib, undefined, note)
  await run(['mv', join(folder, one.id), join(folder, `${one.id}.raw`)])
  writeFileSync(join(folder, `${one.id}.vhdx.part`), 'half')
  assert.ok(readFileSync((await cache.get(one, 8 * mib, undefined, note)).file).equals(content))
  assert.deepEqual(readdirSync(folder), [one.id])
  assert.deepEqual(notes, ['download image', 'convert image', 'download image', 'convert image'])
})

test('C3: what names other files, or lies about itself, is not opened', { skip }, async (t) => {
  const { cache, make, serve, folder, note } = await fixture(t)
  const vmdk = await make('vmdk', 'subformat=streamOptimized')
  serve(vmdk)
  await assert.rejects(cache.get(image('vdi'), 8 * mib, undefined, note), fails(/declared vdi, found vmdk/))
  const flat = join(vmdk, '../flat.vmdk')
  writeFileSync(flat, '# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 8 FLAT "/etc/passwd" 0\n')
  serve(flat)
  await assert.rejects(cache.get(image('vmdk'), 8 * mib, undefined, note), fails(/is unacceptable/))
  const broken = readFileSync(vmdk)
  broken.fill(0xff, 70_000, broken.length - 70_000)
  writeFileSync(flat, broken)
  await assert.rejects(cache.get(image('vmdk'), 8 * mib, undefined, note), fails(/cannot be converted to raw/))
  for (const format of ['ploop', 'luks', 'ari', 'toString'])
    await assert.rejects(cache.get(image(format), 8 * mib, undefined, note), fails(/a disk cannot be of the format/))
  assert.ok(!existsSync(folder) || readdirSync(folder).every((name) => name.endsWith('.vmdk')))
})
