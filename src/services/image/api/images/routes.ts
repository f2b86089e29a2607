import type { Readable } from 'node:stream'
import { ApiError, Conflict, NotFound } from '../../../../platform/http/errors.ts'
import { route, type ApiRequest, type Route } from '../../../../platform/http/route.ts'
import type { ImageDeps } from '../../deps.ts'
import { ImageForbidden, InvalidImage } from '../../errors.ts'
import {
  authorizeVisibility,
  createImage,
  deleteImage,
  requireQuotas,
  saveImage,
  type NewImage,
} from '../../operations/images.ts'
import { upload } from '../../operations/upload.ts'
import { policy } from '../../policies.ts'
import { findImage, listImages, replaceTags, updateImage, type Image } from '../../store/images.ts'
import { permitted, visible } from '../access.ts'
import { parseListing } from './list.ts'
import { applyPatch, type PatchStep } from './patch.ts'
import { createBody, patchBody, readOnly, writableNames } from './schema.ts'
import { viewImage } from './view.ts'

const list = route({
  method: 'GET',
  path: '/images',
  policy: policy('get_images'),
  async handle({ ctx, query }: ApiRequest<never>, deps: ImageDeps) {
    ctx.authorize(policy('get_images'), { project_id: ctx.projectId })
    const ask = await parseListing(ctx, deps, query)
    const images = await listImages(deps.database.db, ask)
    const parameters = (marker?: string) => {
      const pairs = Object.entries(query).flatMap(([name, values]) =>
        name === 'marker' ? [] : values.map((value) => [name, value] as [string, string]),
      )
      if (marker !== undefined) pairs.push(['marker', marker])
      return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`
    }
    const isFull = images.length > 0 && images.length === ask.limit
    return {
      status: 200,
      body: {
        images: images.map(viewImage),
        first: `/v2/images${parameters()}`,
        ...(isFull && { next: `/v2/images${parameters(images.at(-1)!.id)}` }),
        schema: '/v2/schemas/images',
      },
    }
  },
})

const create = route({
  method: 'POST',
  path: '/images',
  policy: policy('add_image'),
  body: createBody,
  async handle({ ctx, body, baseUrl }, deps: ImageDeps) {
    const input = body as Record<string, unknown>
    const refused = Object.keys(input).find((name) => (readOnly as readonly string[]).includes(name))
    if (refused !== undefined) throw new ImageForbidden(`Attribute '${refused}' is read-only.`)
    const properties: Record<string, string> = {}
    for (const [name, value] of Object.entries(input)) {
      if ((writableNames as string[]).includes(name)) continue
      if (typeof value !== 'string')
        throw new InvalidImage(
          `Provided object does not match schema 'image': ${JSON.stringify(value)} is not of type 'string' for property ${name}`,
        )
      if (name.length > 255)
        throw new InvalidImage(`The property name ${name.slice(0, 40)}… is longer than 255 characters.`)
      properties[name] = value
    }
    const image = await createImage(ctx, deps, input as NewImage, properties)
    return { status: 201, headers: { Location: `${baseUrl}/v2/images/${image.id}` }, body: viewImage(image) }
  },
})

const show = route({
  method: 'GET',
  path: '/images/:id',
  policy: policy('get_image'),
  async handle({ ctx, params }: ApiRequest<never>, deps: ImageDeps) {
    const { image } = await visible(ctx, deps, params['id'] ?? '')
    return { status: 200, body: viewImage(image) }
  },
})

const update = route({
  method: 'PATCH',
  path: '/images/:id',
  policy: policy('modify_image'),
  contentTypes: ['application/openstack-images-v2.1-json-patch', 'application/openstack-images-v2.0-json-patch'],
  body: patchBody,
  async handle({ ctx, params, body, headers }, deps: ImageDeps) {
    if (!/json-patch/.test(headers['content-type'] ?? 'json-patch')) {
      throw new ApiError(415, 'The media type must be application/openstack-images-v2.1-json-patch.')
    }
    const image = await permitted(ctx, deps, params['id'] ?? '', 'modify_image', 'modify')
    const changed = applyPatch(image, body as PatchStep[])
    if (changed.visibility !== image.visibility) authorizeVisibility(ctx, changed.visibility, image.owner)
    if (changed.owner !== image.owner && !ctx.isAdmin) throw new ImageForbidden("Owner can't be updated by non admin.")
    await saveImage(deps, image, changed)
    return { status: 200, body: viewImage((await findImage(deps.database.db, image.id)) ?? changed) }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/images/:id',
  policy: policy('delete_image'),
  async handle({ ctx, params }: ApiRequest<never>, deps: ImageDeps) {
    await deleteImage(deps, await permitted(ctx, deps, params['id'] ?? '', 'delete_image', 'delete'))
    return { status: 204 }
  },
})

const put = route({
  method: 'PUT',
  path: '/images/:id/file',
  policy: policy('upload_image'),
  stream: true,
  async handle({ ctx, params, headers, stream }: ApiRequest<never>, deps: ImageDeps) {
    const type = (headers['content-type'] ?? 'application/octet-stream').split(';')[0]
    if (type !== 'application/octet-stream')
      throw new ApiError(415, `The media type ${type} is not supported, use application/octet-stream.`)
    const image = await permitted(ctx, deps, params['id'] ?? '', 'upload_image', 'upload data for')
    if (image.status !== 'queued')
      throw new Conflict(`Image status transition from ${image.status} to saving is not allowed`)
    if (image.disk_format === null || image.container_format === null) {
      throw new InvalidImage('Properties disk_format, container_format must be set prior to saving data.')
    }
    const length = headers['content-length']
    await upload(deps, image, stream as Readable, length === undefined ? undefined : Number(length))
    return { status: 204 }
  },
})

const download = route({
  method: 'GET',
  path: '/images/:id/file',
  policy: policy('download_image'),
  async handle({ ctx, params, headers }: ApiRequest<never>, deps: ImageDeps) {
    const image = await permitted(ctx, deps, params['id'] ?? '', 'download_image', 'download')
    if (image.status === 'deactivated' && !ctx.isAdmin)
      throw new ImageForbidden('The requested image has been deactivated. Image data download is forbidden.')
    if (image.status === 'queued' || image.status === 'saving') return { status: 204 }
    const size = await deps.files.size(image.id)
    if (size === undefined) throw new NotFound(`The data of image ${image.id} is not there.`)
    const range = parseRange(headers.range, size)
    const part = range ? { start: range.start, end: range.end } : undefined
    return {
      status: range ? 206 : 200,
      headers: {
        'Content-Type': 'application/octet-stream',
        'Content-Length': String(range ? range.end - range.start + 1 : size),
        ...(range
          ? { 'Content-Range': `bytes ${range.start}-${range.end}/${size}` }
          : image.checksum !== null && { 'Content-MD5': image.checksum }),
      },
      body: deps.files.read(image.id, part),
    }
  },
})

/** One range of bytes. Throws 416 on one outside of the image. */
function parseRange(header: string | undefined, size: number): { start: number; end: number } | undefined {
  if (header === undefined) return undefined
  const match = /^bytes=(\d*)-(\d*)$/.exec(header)
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1])
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)
  if (start >= size || start > end) throw new ApiError(416, `The range ${header} is not in the image of ${size} bytes.`)
  return { start, end }
}

const setStatus = (action: 'deactivate' | 'reactivate', from: Image['status'], to: Image['status']) =>
  route({
    method: 'POST',
    path: `/images/:id/actions/${action}`,
    policy: policy(action),
    async handle({ ctx, params }: ApiRequest<never>, deps: ImageDeps) {
      const image = await permitted(ctx, deps, params['id'] ?? '', action, action)
      if (image.status !== to && !(await updateImage(deps.database.db, image.id, [from], { status: to }))) {
        throw new ImageForbidden(`Not allowed to ${action} image in status '${image.status}'`)
      }
      return { status: 204 }
    },
  })

const addTag = route({
  method: 'PUT',
  path: '/images/:id/tags/:tag',
  policy: policy('modify_image'),
  async handle({ ctx, params }: ApiRequest<never>, deps: ImageDeps) {
    const image = await permitted(ctx, deps, params['id'] ?? '', 'modify_image', 'modify')
    const tag = params['tag'] ?? ''
    if (tag.length > 255) throw new InvalidImage('A tag has at most 255 characters.')
    const tags = [...new Set([...image.tags, tag])]
    requireQuotas(deps, image.properties, tags)
    await deps.database.transaction((tx) => replaceTags(tx, image.id, tags))
    return { status: 204 }
  },
})

const removeTag = route({
  method: 'DELETE',
  path: '/images/:id/tags/:tag',
  policy: policy('modify_image'),
  async handle({ ctx, params }: ApiRequest<never>, deps: ImageDeps) {
    const image = await permitted(ctx, deps, params['id'] ?? '', 'modify_image', 'modify')
    if (!image.tags.includes(params['tag'] ?? '')) throw new NotFound(`Tag ${params['tag']} could not be found.`)
    await deps.database.transaction((tx) =>
      replaceTags(
        tx,
        image.id,
        image.tags.filter((tag) => tag !== params['tag']),
      ),
    )
    return { status: 204 }
  },
})

export const imageRoutes = [
  list,
  create,
  show,
  update,
  remove,
  put,
  download,
  setStatus('deactivate', 'active', 'deactivated'),
  setStatus('reactivate', 'deactivated', 'active'),
  addTag,
  removeTag,
] as Route<ImageDeps>[]
