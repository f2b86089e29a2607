/** Quotas that are exact: what is used is counted in the transaction that uses more. */
import type { Transaction } from '../../../platform/db/database.ts'
import { lockOwner } from '../../../platform/db/owner-lock.ts'
import type { ImageDeps } from '../deps.ts'
import { LimitExceeded, TooLarge } from '../errors.ts'
import { readStoredBytes, readUsage, type Usage } from '../store/usage.ts'
import type { ImageSchema } from '../store/tables.ts'

export type Resource = keyof Usage
export const resources: readonly Resource[] = [
  'image_size_total',
  'image_stage_total',
  'image_count_total',
  'image_count_uploading',
]

const mebibyte = 1024 * 1024
/** Limits of bytes are in MiB; a part of one is one. */
const unitOf: Readonly<Record<Resource, number>> = {
  image_size_total: mebibyte,
  image_stage_total: mebibyte,
  image_count_total: 1,
  image_count_uploading: 1,
}

/** Usage as keystone counts it. */
export const inUnits = (resource: Resource, amount: number) => Math.floor(amount / unitOf[resource])

/**
 * Runs `work` in a transaction in which `deltas` (bytes and counts) are known to fit. Throws LimitExceeded. `work` must
 * await nothing but queries.
 */
export async function spend<T>(
  deps: Pick<ImageDeps, 'database' | 'limits'>,
  projectId: string,
  deltas: Partial<Record<Resource, number>>,
  work: (tx: Transaction<ImageSchema>) => Promise<T>,
): Promise<T> {
  const limits = await deps.limits(projectId)
  return deps.database.transaction(async (tx) => {
    await lockOwner(deps.database, tx, projectId)
    if (limits) {
      const usage = await readUsage(tx, projectId)
      for (const resource of resources) {
        const delta = deltas[resource]
        const limit = limits[resource]
        if (delta === undefined || limit < 0) continue
        const unit = unitOf[resource]
        if (usage[resource] + delta > limit * unit)
          throw new LimitExceeded(
            projectId,
            resource,
            limit,
            inUnits(resource, usage[resource]),
            Math.ceil(delta / unit),
          )
      }
    }
    return work(tx)
  })
}

/** Bytes that an upload of a project may have: what `image_size_cap` and `user_storage_quota` leave. */
export async function largestUpload(
  { config }: Pick<ImageDeps, 'config'>,
  tx: Transaction<ImageSchema>,
  projectId: string,
  declared: number | undefined,
): Promise<number> {
  let limit = config.imageSizeCap
  if (config.userStorageQuota > 0) {
    const left = config.userStorageQuota - (await readStoredBytes(tx, projectId))
    if (left <= 0 || (declared ?? 0) > left)
      throw new TooLarge(
        `Image exceeds the storage quota: The size of the data ${declared ?? 'None'} will exceed the limit. ${Math.max(0, left)} bytes remaining.`,
      )
    limit = Math.min(limit, left)
  }
  if (declared !== undefined && declared > limit)
    throw new TooLarge('The incoming image is too large: The provided image is too large.')
  return limit
}
