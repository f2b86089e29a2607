/** The old way to import: a task of type `import` makes the image and fetches its data. It goes through the same fence. */
import type { Context } from '../../../platform/auth/context.ts'
import type { ImageDeps } from '../deps.ts'
import { InvalidImage } from '../errors.ts'
import { findImage } from '../store/images.ts'
import { listTasksOfImage, type TaskRow } from '../store/tasks.ts'
import { checkMethod, startImport } from './import.ts'
import { createImage, type NewImage } from './images.ts'

/** Tells attributes of a new image from its properties. */
export type ReadNewImage = (
  deps: ImageDeps,
  given: Readonly<Record<string, unknown>>,
) => { attributes: NewImage; properties: Record<string, string> }

/** Throws InvalidImage on a URL that may not be fetched. */
export async function startTaskImport(
  ctx: Context,
  deps: ImageDeps,
  input: Readonly<Record<string, unknown>>,
  readNewImage: ReadNewImage,
): Promise<TaskRow> {
  const { import_from: uri, import_from_format: format, image_properties: given } = input
  if (typeof uri !== 'string') throw new InvalidImage("Input to import task is missing 'import_from'")
  if (typeof format !== 'string') throw new InvalidImage("Input to import task is missing 'import_from_format'")
  if (typeof given !== 'object' || given === null)
    throw new InvalidImage("Input to import task is missing 'image_properties'")
  const method = { name: 'web-download', uri }
  checkMethod(deps, method)
  const { attributes, properties } = readNewImage(deps, {
    disk_format: format,
    container_format: 'bare',
    ...(given as Record<string, unknown>),
  })
  const image = await createImage(ctx, deps, attributes, properties)
  const whole = (await findImage(deps.database.db, image.id))!
  await startImport(ctx, deps, whole, { method }, [deps.stores.defaultId], { type: 'import', input })
  return (await listTasksOfImage(deps.database.db, image.id))[0]!
}
