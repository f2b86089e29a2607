import { Type } from 'typebox'
import { route } from '../route.ts'
import { ImageForbidden, ImageMissing } from '../../errors.ts'
import { authorizeVisibility, createImage, deleteImage, modifyImage } from '../../operations/images.ts'
import { changeLocations } from '../../operations/locations.ts'
import { policy } from '../../policies.ts'
import { updateImage, type Image } from '../../store/images.ts'
import { listImages } from '../../store/list-images.ts'
import { permitted, policyTarget, visible } from '../access.ts'
import { imageAnswer, imagesAnswer } from './answers.ts'
import { parseListing } from './list.ts'
import { applyPatch, parsePatch, patchTypes } from './patch.ts'
import { readNewImage } from './new-image.ts'
import { checkAttribute } from './schema.ts'
import { viewImage } from './view.ts'

const list = route({
  method: 'GET',
  path: '/images',
  policy: policy('get_images'),
  answer: { 200: imagesAnswer },
  async handle({ ctx, query }, deps) {
    ctx.authorize(policy('get_images'), { project_id: ctx.projectId })
    const ask = await parseListing(ctx, deps, query)
    const found = await listImages(deps.database.db, ask)
    // Who gets here through a membership is a member: the query has seen to it.
    const images = found.filter((image) => {
      const isMember = image.visibility === 'shared' && image.owner !== ctx.projectId
      return ctx.can(policy('get_image'), policyTarget(image, isMember ? (ctx.projectId ?? undefined) : undefined))
    })
    const link = (marker?: string) => {
      const pairs = Object.entries(query).flatMap(([name, values = []]) =>
        name === 'marker' ? [] : values.map((value) => [name, value] as [string, string]),
      )
      if (marker !== undefined) pairs.push(['marker', marker])
      return `/v2/images${pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`}`
    }
    const isFull = images.length > 0 && found.length === ask.limit
    return {
      status: 200,
      body: {
        images: images.map((image) => viewImage(ctx, deps, image)),
        first: link(),
        ...(isFull && { next: link(found.at(-1)!.id) }),
        schema: '/v2/schemas/images',
      },
    }
  },
})

const create = route({
  method: 'POST',
  path: '/images',
  policy: policy('add_image'),
  body: Type.Object({}, { additionalProperties: Type.Unknown() }),
  answer: { 201: imageAnswer },
  async handle({ ctx, body, baseUrl }, deps) {
    const { attributes, properties } = readNewImage(deps, body as Record<string, unknown>)
    for (const name of Object.keys(properties))
      if (!deps.propertyRules.allows(ctx, name, 'create')) throw new ImageForbidden(`Attribute '${name}' is reserved.`)
    const image = await createImage(ctx, deps, attributes, properties)
    return {
      status: 201,
      headers: {
        Location: `${baseUrl}/v2/images/${image.id}`,
        ...(deps.config.importMethods.length > 0 && {
          'OpenStack-image-import-methods': deps.config.importMethods.join(','),
        }),
        'OpenStack-image-store-ids': deps.stores
          .all()
          .map((store) => store.id)
          .join(','),
      },
      body: viewImage(ctx, deps, image),
    }
  },
})

const show = route({
  method: 'GET',
  path: '/images/:id',
  policy: policy('get_image'),
  answer: { 200: imageAnswer },
  async handle({ ctx, params }, deps) {
    const { image } = await visible(ctx, deps, params.id)
    return { status: 200, body: viewImage(ctx, deps, image) }
  },
})

const update = route({
  method: 'PATCH',
  path: '/images/:id',
  policy: [policy('modify_image'), policy('set_image_location'), policy('delete_image_location')],
  contentTypes: patchTypes,
  answer: { 200: imageAnswer },
  async handle({ ctx, params, body, headers }, deps) {
    const changes = parsePatch(deps.config, headers['content-type'], body)
    const { id } = await permitted(ctx, deps, params.id, 'modify_image', 'modify')
    const allows = (name: string, action: 'create' | 'read' | 'update' | 'delete') =>
      deps.propertyRules.allows(ctx, name, action)
    if (changes.some((change) => change.name === 'owner' && !ctx.isAdmin))
      throw new ImageForbidden("Owner can't be updated by non admin.")
    if (changes.some((change) => change.name === 'locations')) await changeLocations(ctx, deps, id, changes)
    const image = await modifyImage(deps, id, (before) => {
      const after = applyPatch(before, changes, allows)
      if (changes.some((change) => change.name === 'visibility'))
        authorizeVisibility(ctx, after.visibility, before.owner)
      return after
    })
    return { status: 200, body: viewImage(ctx, deps, image) }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/images/:id',
  policy: policy('delete_image'),
  answer: { 204: null },
  async handle({ ctx, params }, deps) {
    await deleteImage(deps, await permitted(ctx, deps, params.id, 'delete_image', 'delete'))
    return { status: 204 }
  },
})

const setStatus = (action: 'deactivate' | 'reactivate', from: Image['status'], to: Image['status']) =>
  route({
    method: 'POST',
    path: `/images/:id/actions/${action}`,
    policy: policy(action),
    answer: { 204: null },
    async handle({ ctx, params }, deps) {
      const image = await permitted(ctx, deps, params.id, action, action)
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
  answer: { 204: null },
  async handle({ ctx, params }, deps) {
    const tag = params.tag
    checkAttribute(deps.config, 'tags', [tag])
    const { id } = await permitted(ctx, deps, params.id, 'modify_image', 'modify')
    await modifyImage(deps, id, (image) => ({ ...image, tags: [...new Set([...image.tags, tag])] }))
    return { status: 204 }
  },
})

const removeTag = route({
  method: 'DELETE',
  path: '/images/:id/tags/:tag',
  policy: policy('modify_image'),
  answer: { 204: null },
  async handle({ ctx, params }, deps) {
    const tag = params.tag
    const { id } = await permitted(ctx, deps, params.id, 'modify_image', 'modify')
    await modifyImage(deps, id, (image) => {
      if (!image.tags.includes(tag)) throw new ImageMissing(`Tag ${tag} could not be found.`)
      return { ...image, tags: image.tags.filter((each) => each !== tag) }
    })
    return { status: 204 }
  },
})

export const imageRoutes = [
  list,
  create,
  show,
  update,
  remove,
  setStatus('deactivate', 'active', 'deactivated'),
  setStatus('reactivate', 'deactivated', 'active'),
  addTag,
  removeTag,
]
