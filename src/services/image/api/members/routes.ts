import { Type } from 'typebox'
import { exactly, type Shown } from '../../../../platform/http/answers.ts'
import { Conflict, NotFound } from '../../../../platform/errors.ts'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { ImageDeps } from '../../deps.ts'
import { ImageForbidden, TooLarge } from '../../errors.ts'
import { policy } from '../../policies.ts'
import type { Image, MemberRow } from '../../store/images.ts'
import { deleteMember, findMember, insertMember, listMembers, updateMember } from '../../store/members.ts'
import { permitted, visible } from '../access.ts'

const iso = (ms: number) => `${new Date(Number(ms)).toISOString().slice(0, 19)}Z`
const memberAnswer = exactly({
  member_id: Type.String(),
  image_id: Type.String(),
  status: Type.Enum(['pending', 'accepted', 'rejected']),
  created_at: Type.String(),
  updated_at: Type.String(),
  schema: Type.String(),
})
const membersAnswer = exactly({ members: Type.Array(memberAnswer), schema: Type.String() })

const view = (row: MemberRow): Shown<typeof memberAnswer> => ({
  member_id: row.member_id,
  image_id: row.image_id,
  status: row.status,
  created_at: iso(row.created_at),
  updated_at: iso(row.updated_at),
  schema: '/v2/schemas/member',
})

function requireShared(image: Image) {
  if (image.visibility !== 'shared') throw new ImageForbidden('Only shared images have members.')
}

const list = route({
  method: 'GET',
  path: '/images/:id/members',
  policy: policy('get_members'),
  answer: { 200: membersAnswer },
  async handle({ ctx, params }, deps) {
    const image = await permitted(ctx, deps, params.id, 'get_members', 'list the members of')
    requireShared(image)
    const rows = await listMembers(deps.database.db, image.id)
    // A member sees itself, the owner sees all.
    const shown =
      ctx.isAdmin || image.owner === ctx.projectId ? rows : rows.filter((row) => row.member_id === ctx.projectId)
    return { status: 200, body: { members: shown.map(view), schema: '/v2/schemas/members' } }
  },
})

const add = route({
  method: 'POST',
  path: '/images/:id/members',
  policy: policy('add_member'),
  // Clients send the whole membership; glance reads what the operation is about.
  body: Type.Object({ member: Type.String({ minLength: 1, maxLength: 255 }) }),
  answer: { 200: memberAnswer },
  async handle({ ctx, params, body }, deps) {
    const image = await permitted(ctx, deps, params.id, 'add_member', 'add members to')
    requireShared(image)
    const { db } = deps.database
    if ((await listMembers(db, image.id)).length >= deps.config.memberQuota) {
      throw new TooLarge(
        `The limit has been exceeded on the number of allowed image members for this image. Maximum: ${deps.config.memberQuota}`,
      )
    }
    const now = Date.now()
    const row: MemberRow = {
      image_id: image.id,
      member_id: body.member,
      status: 'pending',
      created_at: now,
      updated_at: now,
    }
    if (!(await insertMember(db, row)))
      throw new Conflict(`The target member ${body.member} is already associated with image ${image.id}.`)
    return { status: 200, body: view(row) }
  },
})

async function load(
  { ctx, params }: Pick<ApiRequest<unknown, { id: string; member_id: string }>, 'ctx' | 'params'>,
  deps: ImageDeps,
) {
  const { image } = await visible(ctx, deps, params.id)
  const member = await findMember(deps.database.db, image.id, params.member_id)
  const maySee = ctx.isAdmin || image.owner === ctx.projectId || member?.member_id === ctx.projectId
  if (!member || !maySee) throw new NotFound(`Image member ${params.member_id} not found for image ${image.id}.`)
  return { image, member }
}

const show = route({
  method: 'GET',
  path: '/images/:id/members/:member_id',
  policy: policy('get_member'),
  answer: { 200: memberAnswer },
  async handle(request, deps) {
    return { status: 200, body: view((await load(request, deps)).member) }
  },
})

const update = route({
  method: 'PUT',
  path: '/images/:id/members/:member_id',
  policy: policy('modify_member'),
  body: Type.Object({ status: Type.Enum(['pending', 'accepted', 'rejected']) }),
  answer: { 200: memberAnswer },
  async handle({ ctx, params, body }, deps) {
    const { image, member } = await load({ ctx, params }, deps)
    // Only the member itself accepts or rejects.
    ctx.authorize(policy('modify_member'), { member_id: member.member_id, project_id: image.owner })
    const changes = { status: body.status as MemberRow['status'], updated_at: Date.now() }
    await updateMember(deps.database.db, member, changes)
    return { status: 200, body: view({ ...member, ...changes }) }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/images/:id/members/:member_id',
  policy: policy('delete_member'),
  answer: { 204: null },
  async handle({ ctx, params }, deps) {
    const image = await permitted(ctx, deps, params.id, 'delete_member', 'remove members of')
    if (!(await deleteMember(deps.database.db, image.id, params.member_id)))
      throw new NotFound(`Image member ${params.member_id} not found for image ${image.id}.`)
    return { status: 204 }
  },
})

export const memberRoutes = [list, add, show, update, remove]
