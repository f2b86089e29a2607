/** Takes an image's data: hashed, measured and inspected while it passes; all of it or nothing stays. */
import { createHash } from 'node:crypto'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { checkDeclared, checkSoFar } from '../../../base/disk-formats/check-declared.ts'
import { DiskInspector } from '../../../base/disk-formats/inspector.ts'
import { BadRequest } from '../../../platform/http/errors.ts'
import type { ImageDeps } from '../deps.ts'
import { ImageConflict, TooLarge, UnsupportedFormat } from '../errors.ts'
import { updateImage, type Image } from '../store/images.ts'

/** Throws UnsupportedFormat, TooLarge, ImageConflict; the image is `queued` again then and no byte is kept. */
export async function upload(
  deps: ImageDeps,
  image: Image,
  data: Readable,
  declaredSize: number | undefined,
): Promise<void> {
  const { database, files } = deps
  const limit = await largestUpload(deps, image)
  if (declaredSize !== undefined && declaredSize > limit)
    throw new TooLarge(`The image is larger than the ${limit} bytes that are left for it.`)
  if (!(await updateImage(database.db, image.id, ['queued'], { status: 'saving' }))) {
    throw new ImageConflict(`Image status transition from ${image.status} to saving is not allowed`)
  }
  try {
    const found = await store(deps, image, data, limit)
    await files.commit(image.id)
    const isThere = await updateImage(database.db, image.id, ['saving'], { status: 'active', ...found })
    // Deleted while it was uploaded: delete wins.
    if (!isThere) await files.remove(image.id)
    if (!isThere) throw new ImageConflict(`Image ${image.id} was deleted while it was uploaded.`)
  } catch (error) {
    await files.discard(image.id)
    await updateImage(database.db, image.id, ['saving'], { status: 'queued' })
    throw isCut(error) ? new BadRequest('The upload was cut off.', { cause: error }) : error
  }
}

const isCut = (error: unknown): boolean =>
  ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR'].includes((error as { code?: string }).code ?? '')

async function largestUpload({ config, database }: ImageDeps, image: Image): Promise<number> {
  if (config.userStorageQuota === 0) return config.imageSizeCap
  const { used } = await database.db
    .selectFrom('images')
    .select(({ fn }) => fn.sum<number | null>('size').as('used'))
    .where('owner', '=', image.owner)
    .where('status', '!=', 'deleted')
    .executeTakeFirstOrThrow()
  return Math.max(0, Math.min(config.imageSizeCap, config.userStorageQuota - Number(used ?? 0)))
}

async function store({ files }: ImageDeps, image: Image, data: Readable, limit: number) {
  const md5 = createHash('md5')
  const sha512 = createHash('sha512')
  const inspector = new DiskInspector()
  const declared = image.container_format === 'bare' ? (image.disk_format ?? 'raw') : undefined
  let size = 0
  const meter = new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > limit) return done(new TooLarge(`The image is larger than the ${limit} bytes that are left for it.`))
      md5.update(chunk)
      sha512.update(chunk)
      inspector.write(chunk)
      const verdict = declared === undefined ? { ok: true as const } : checkSoFar(inspector.verdict, declared)
      done(verdict.ok ? null : new UnsupportedFormat(verdict.reason), chunk)
    },
  })
  await pipeline(data, meter, files.write(image.id))
  const report = inspector.end()
  const verdict = declared === undefined ? { ok: true as const } : checkDeclared(report, declared)
  if (!verdict.ok) throw new UnsupportedFormat(verdict.reason)
  return { size, virtual_size: report.virtualSize, checksum: md5.digest('hex'), hash_value: sha512.digest('hex') }
}

/** At start: uploads that an earlier process did not finish are queued again, files of nobody go. */
export async function cleanUp({ database, files, log }: ImageDeps): Promise<void> {
  await database.db.updateTable('images').set({ status: 'queued' }).where('status', '=', 'saving').execute()
  const rows = await database.db.selectFrom('images').select(['id', 'status']).execute()
  const kept = new Set(
    rows.filter((row) => row.status === 'active' || row.status === 'deactivated').map((row) => row.id),
  )
  for (const id of files.list()) {
    if (kept.has(id)) await files.discard(id)
    else if (/^[0-9a-f-]{36}$/.test(id)) {
      log.warn({ image: id }, 'removing the data of an image that does not exist')
      await files.remove(id)
    }
  }
}
