/** The data of images: upload, staging, download. */
import { HttpError } from '../../../../platform/http/errors.ts'
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { last } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { ImageForbidden, ImageMissing, InvalidImage } from '../../errors.ts'
import { openData } from '../../operations/download.ts'
import { certificateFor } from '../../operations/signature.ts'
import { stage, upload } from '../../operations/upload.ts'
import { policy } from '../../policies.ts'
import type { Image } from '../../store/images.ts'
import { permitted } from '../access.ts'

const octets = 'application/octet-stream'

function requireOctets(headers: IncomingHttpHeaders) {
  const type = (headers['content-type'] ?? octets).split(';')[0]!.trim()
  if (type !== octets) throw new HttpError(415, `The media type ${type} is not supported, use ${octets}.`)
}

/** Bytes that the client announces. Throws InvalidImage. */
function announcedSize(headers: IncomingHttpHeaders): number | undefined {
  const own = headers['x-openstack-image-size']
  const text = typeof own === 'string' ? own : headers['content-length']
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text.trim())) throw new InvalidImage('Invalid or missing image size in request headers.')
  // A body of no bytes has no length for glance's clients, who cannot tell.
  return Number(text) || undefined
}

/** Refused early, the client is still sending: without this it would see a broken connection and not the reason. */
async function drain(stream: Readable) {
  let left = 64 * 1024 * 1024
  const timer = setTimeout(() => (left = 0), 3_000)
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      left -= chunk.length
      if (left <= 0) return
    }
  } catch {
    // The client is gone: nobody to tell.
  } finally {
    clearTimeout(timer)
  }
}

async function receiving(stream: Readable, work: () => Promise<void>) {
  try {
    await work()
  } catch (error) {
    await drain(stream)
    throw error
  }
}

const put = route({
  method: 'PUT',
  path: '/images/:id/file',
  policy: policy('upload_image'),
  stream: true,
  answer: { 204: null },
  async handle({ ctx, params, headers, stream }, deps) {
    await receiving(stream, async () => {
      requireOctets(headers)
      const image = await permitted(ctx, deps, params.id, 'upload_image', 'upload data for')
      const wanted = headers['x-image-meta-store']
      const id = typeof wanted === 'string' && wanted !== '' ? wanted : deps.stores.defaultId
      const store = deps.stores.get(id)
      if (!store) throw new InvalidImage(`Unknown scheme '${id}' found in URI`)
      const certificate = await certificateFor(ctx, deps, image)
      await upload(deps, image, store, stream, { size: announcedSize(headers), projectId: image.owner, certificate })
    })
    return { status: 204 }
  },
})

const putStage = route({
  method: 'PUT',
  path: '/images/:id/stage',
  policy: policy('modify_image'),
  stream: true,
  answer: { 204: null },
  async handle({ ctx, params, headers, stream }, deps) {
    await receiving(stream, async () => {
      if (!deps.config.importMethods.includes('glance-direct'))
        throw new ImageMissing("'glance-direct' method is not available at this site.")
      requireOctets(headers)
      const image = await permitted(ctx, deps, params.id, 'modify_image', 'upload data for')
      await stage(deps, image, stream, { size: announcedSize(headers), projectId: image.owner })
    })
    return { status: 204 }
  },
})

const download = route({
  method: 'GET',
  path: '/images/:id/file',
  policy: [policy('download_image'), policy('download_from_store')],
  answer: { 200: octets, 206: octets, 204: null, 304: null },
  async handle({ ctx, params, query, headers }, deps) {
    const image = await permitted(ctx, deps, params.id, 'download_image', 'download')
    if (image.status === 'deactivated' && !ctx.isAdmin)
      throw new ImageForbidden('The requested image has been deactivated. Image data download is forbidden.')
    const preferred = (last(query, 'prefer') ?? '')
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
    if (preferred.length > 0) await permitted(ctx, deps, image.id, 'download_from_store', 'choose the store of')
    for (const id of preferred) if (!deps.stores.get(id)) throw new InvalidImage(`Store '${id}' is not configured.`)
    const isReadable = ['active', 'deactivated'].includes(image.status) && image.locations.length > 0
    if (!isReadable || image.size === null) return { status: 204 }
    const unchanged = checkConditions(image, headers)
    if (unchanged) return unchanged
    const size = Number(image.size)
    const isRangeWanted = headers['if-range'] === undefined || headers['if-range'] === etag(image)
    const range = isRangeWanted ? parseRange(headers.range ?? headerText(headers['content-range']), size) : undefined
    return {
      status: range ? 206 : 200,
      headers: {
        'Content-Type': octets,
        'Content-Length': String(range ? range.end - range.start + 1 : size),
        'Accept-Ranges': 'bytes',
        ...(image.hash_value !== null && { ETag: etag(image) }),
        ...(range && { 'Content-Range': `bytes ${range.start}-${range.end}/${size}` }),
        ...(!range && image.checksum !== null && { 'Content-MD5': image.checksum }),
        ...(image.locations.length > 0 && {
          'X-Openstack-Image-Store-Ids': image.locations.map((location) => location.store).join(','),
        }),
      },
      body: await openData(deps, image, { preferred, ...(range && { range }) }),
    }
  },
})

const headerText = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined)
/** The data of an image never changes, so its hash names it. */
const etag = (image: Image) => `"${image.hash_value ?? ''}"`

/** If-Match and If-None-Match. Throws 412. */
function checkConditions(image: Image, headers: IncomingHttpHeaders) {
  if (image.hash_value === null) return undefined
  const names = (text: string) => text.split(',').map((each) => each.trim().replace(/^W\//, ''))
  const match = headers['if-match']
  if (match !== undefined && match !== '*' && !names(match).includes(etag(image)))
    throw new HttpError(412, 'The data of the image is another one.')
  const noneMatch = headers['if-none-match']
  if (noneMatch === undefined || (noneMatch !== '*' && !names(noneMatch).includes(etag(image)))) return undefined
  return { status: 304 as const, headers: { ETag: etag(image) } }
}

/** One range of bytes, from `Range` or, as old clients send it, `Content-Range`. Throws 416 on one outside of the image. */
export function parseRange(header: string | undefined, size: number): { start: number; end: number } | undefined {
  if (header === undefined) return undefined
  const outside = () =>
    new HttpError(416, `The range ${header} is not in the image of ${size} bytes.`, {
      headers: { 'Content-Range': `bytes */${size}` },
    })
  const match = /^\s*bytes[ =]\s*(\d*)-(\d*)(\/\d+|\/\*)?\s*$/.exec(header)
  if (!match || (match[1] === '' && match[2] === '')) throw outside()
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1])
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)
  if (start >= size || start > end || (match[1] === '' && Number(match[2]) === 0)) throw outside()
  return { start, end }
}

export const dataRoutes = [put, putStage, download]
