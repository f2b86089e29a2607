import type { Context } from '../../../platform/auth/context.ts'
import type { PolicyTarget } from '../../../platform/auth/policy.ts'
import type { ImageDeps } from '../deps.ts'
import { ImageForbidden, ImageNotFound } from '../errors.ts'
import { policy } from '../policies.ts'
import { findImage, type Image } from '../store/images.ts'
import { findMember } from '../store/members.ts'

/** What the policies see of an image; `memberId` is the caller's project where the image is shared with it. */
export function policyTarget(image: Image, memberId: string | undefined): PolicyTarget {
  // 'shared' alone lets nobody in: only members see the image.
  const visibility = image.visibility === 'shared' ? 'private' : image.visibility
  return {
    project_id: image.owner,
    owner: image.owner,
    visibility,
    ...(memberId !== undefined && { member_id: memberId }),
  }
}

async function targetOf(ctx: Context, { database }: Pick<ImageDeps, 'database'>, image: Image): Promise<PolicyTarget> {
  const isShared = image.visibility === 'shared' && ctx.projectId !== null && ctx.projectId !== image.owner
  const member = isShared ? await findMember(database.db, image.id, ctx.projectId!) : undefined
  return policyTarget(image, member?.member_id)
}

/** An image that the caller may see. Throws ImageNotFound also for those of others: their existence is not told. */
export async function visible(
  ctx: Context,
  deps: Pick<ImageDeps, 'database'>,
  id: string,
): Promise<{ image: Image; target: PolicyTarget }> {
  const image = await findImage(deps.database.db, id)
  if (!image) throw new ImageNotFound(id)
  const target = await targetOf(ctx, deps, image)
  if (!ctx.can(policy('get_image'), target)) throw new ImageNotFound(id)
  return { image, target }
}

/** As `visible`, with further rules: who sees it but may not do this is refused with 403. */
export async function permitted(
  ctx: Context,
  deps: Pick<ImageDeps, 'database'>,
  id: string,
  rules: string | readonly string[],
  what: string,
): Promise<Image> {
  const { image, target } = await visible(ctx, deps, id)
  for (const rule of [rules].flat())
    if (!ctx.can(policy(rule), target)) throw new ImageForbidden(`You are not permitted to ${what} image ${id}.`)
  return image
}
