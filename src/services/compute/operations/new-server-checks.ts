/** What a new server refers to, checked before anything is written. */
import type { Context } from '../../../platform/auth/context.ts'
import type { ComputeDeps } from '../deps.ts'
import { Invalid, Forbidden } from '../errors.ts'
import type { Flavor } from '../model/flavor.ts'
import type { ImageOfServer, InjectedFile } from '../model/server.ts'
import { listAggregates } from '../store/aggregates.ts'
import { findGroup, membersOf } from '../store/server-groups.ts'
import type { NewServer } from './create-server.ts'
import { requireMeant } from './image-properties.ts'

export async function checkImage(
  ctx: Context,
  deps: ComputeDeps,
  { imageId: id }: Pick<NewServer, 'imageId'>,
  flavor: Flavor,
): Promise<ImageOfServer> {
  if (id === null) throw new Invalid('Invalid imageRef provided.')
  const image = await deps.image.getImage(id, ctx.token)
  if (!image) throw new Invalid('Can not find requested image')
  if (image.status !== 'active') throw new Invalid(`Image ${id} is not active.`)
  if (image.diskFormat === null) throw new Invalid(`Image ${id} is unacceptable: it has no disk format`)
  requireMeant(image.properties)
  if (image.minRam > flavor.memoryMb) throw new Invalid("Flavor's memory is too small for requested image.")
  if (flavor.rootGb > 0) {
    const size = Math.max(image.size ?? 0, image.virtualSize ?? 0)
    if (size > flavor.rootGb * 1024 ** 3) {
      throw new Invalid(
        `Flavor's disk is too small for requested image. Flavor disk is ${flavor.rootGb * 1024 ** 3} bytes, image is ${size} bytes.`,
      )
    }
    if (image.minDisk > flavor.rootGb) {
      throw new Invalid(
        `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${flavor.rootGb * 1024 ** 3} bytes, minimum size is ${image.minDisk * 1024 ** 3} bytes.`,
      )
    }
  }
  return { id: image.id, diskFormat: image.diskFormat, properties: image.properties }
}

/** Whether the disk is the flavor's: what the user says, unless the image forbids it, else what the image says. */
export function autoDiskOf(asked: boolean | null, { id, properties }: ImageOfServer): boolean {
  const word = properties['auto_disk_config']?.toLowerCase()
  if (asked && word === 'disabled') throw new Invalid(`Requested image ${id} has automatic disk resize disabled.`)
  return asked ?? /^(1|t|true|on|y|yes)$/.test(word ?? '')
}

/** Throws 403 on more or larger files than the project may inject; contents count as they come, in base64. */
export function checkFiles(files: readonly InjectedFile[], limits: Readonly<Record<string, number>>): void {
  const exceeds = (resource: string, amount: number) => {
    const limit = limits[resource] ?? -1
    return limit >= 0 && amount > limit
  }
  const longest = (of: (file: InjectedFile) => string) => Math.max(0, ...files.map((file) => of(file).length))
  if (exceeds('injected_files', files.length)) throw new Forbidden('Personality file limit exceeded')
  if (
    exceeds(
      'injected_file_path_bytes',
      longest(({ path }) => path),
    )
  )
    throw new Forbidden(`Personality file path exceeds maximum ${limits['injected_file_path_bytes']}`)
  if (
    exceeds(
      'injected_file_content_bytes',
      longest(({ contents }) => contents),
    )
  )
    throw new Forbidden(`Personality file content exceeds maximum ${limits['injected_file_content_bytes']}`)
}

export async function checkZone({ database, config }: ComputeDeps, { zone }: NewServer): Promise<string | null> {
  const wanted = zone ?? (config.defaultScheduleZone || null)
  if (wanted === null || wanted === config.defaultZone) return wanted
  const known = (await listAggregates(database.db)).some((each) => each.zone === wanted && each.hosts.length > 0)
  if (!known) throw new Invalid('The requested availability zone is not available')
  return wanted
}

export async function checkGroup(
  tx: ComputeDeps['database']['db'],
  ctx: Context,
  id: string,
  count: number,
  limit: number,
): Promise<void> {
  const group = await findGroup(tx, id)
  if (!group || group.projectId !== ctx.projectId) throw new Invalid(`Instance group ${id} could not be found.`)
  const members = (await membersOf(tx, [id])).get(id)?.filter((each) => each.userId === ctx.userId).length ?? 0
  if (limit >= 0 && members + count > limit) throw new Forbidden('Quota exceeded, too many servers in group')
}
