/** What an operator may put between staging and stores: `[image_import_opts] image_import_plugins`. */
import { rename, rm, stat } from 'node:fs/promises'
import { checkDeclared } from '../../../base/disk-formats/check-declared.ts'
import { DiskInspector, type DiskReport } from '../../../base/disk-formats/inspector.ts'
import { fileStream } from '../cache/cache.ts'
import type { ImageConfig } from '../config.ts'
import type { ImportStep } from './import-step.ts'
import { noteSize } from './import-fetch.ts'
import { findImage, setProgress, setProperties, type Image } from '../store/images.ts'

type Plugin = (step: ImportStep, image: Image, file: string) => Promise<void>

const plugins: Record<string, Plugin> = {
  no_op: () => Promise.resolve(),
  image_decompression: decompress,
  image_conversion: convert,
  inject_image_metadata: inject,
}

/** Throws on a plugin that does not exist. */
export function checkPlugins(config: Pick<ImageConfig, 'importPlugins'>) {
  const unknown = pluginNames(config).find((name) => !Object.hasOwn(plugins, name))
  if (unknown !== undefined)
    throw new Error(
      `[image_import_opts] image_import_plugins: '${unknown}' is none of ${Object.keys(plugins).join(', ')}`,
    )
}

/** oslo writes this list in brackets and quotes. */
const pluginNames = ({ importPlugins }: Pick<ImageConfig, 'importPlugins'>) =>
  importPlugins.map((name) => name.replaceAll(/[[\]'"\s]/g, '')).filter((name) => name !== '')

/** Bytes that are staged then. */
export async function runPlugins(step: ImportStep): Promise<number> {
  const { deps, context, data } = step
  const file = deps.staging.path(context.resourceId)
  if (!data.isCopy) {
    for (const name of pluginNames(deps.config)) {
      const image = await findImage(deps.database.db, context.resourceId)
      if (!image) throw new Error('the image is not there any more')
      await plugins[name]!(step, image, file)
    }
  }
  const { size } = await stat(file)
  await noteSize(deps.database.db, context.resourceId, size, data.isCopy)
  return size
}

async function decompress({ deps, context }: ImportStep, _image: Image, file: string) {
  const target = `${file}.plugin`
  await rm(target, { force: true })
  try {
    const { converter, config } = deps
    const isPacked = await converter.decompress(file, target, { maxBytes: config.imageSizeCap, signal: context.signal })
    if (isPacked) await rename(target, file)
  } finally {
    await rm(target, { force: true })
  }
}

/** The file is read by our own parsers before qemu-img sees it, and its format is told, never guessed. */
async function convert({ deps, context }: ImportStep, image: Image, file: string) {
  const to = deps.config.conversionFormat
  const from = image.disk_format ?? 'raw'
  if (image.container_format !== 'bare') return
  const report = await inspect(file)
  // A step that is repeated after a crash finds its own work.
  if (from !== to && report.format === to) return setFormat(deps, image, to)
  const verdict = checkDeclared(report, from, { ignore: deps.config.gptChecksNonfatal ? ['bad-mbr'] : [] })
  if (!verdict.ok) throw new Error(verdict.reason)
  if (from === to) return
  if ((report.virtualSize ?? 0) > deps.config.imageSizeCap) throw new Error('The disk inside the image is too large.')
  const target = `${file}.plugin`
  await rm(target, { force: true })
  try {
    await deps.converter.convert(file, target, { from, to, signal: context.signal })
    await rename(target, file)
  } finally {
    await rm(target, { force: true })
  }
  await setFormat(deps, image, to)
}

const setFormat = async ({ database }: ImportStep['deps'], image: Image, format: string) => {
  await setProgress(database.db, image.id, { disk_format: format })
}

async function inspect(file: string): Promise<DiskReport> {
  const inspector = new DiskInspector()
  for await (const chunk of (await fileStream(file)) as AsyncIterable<Buffer>) inspector.write(chunk)
  return inspector.end()
}

async function inject({ deps, data, context }: ImportStep) {
  if (data.roles.some((role) => deps.config.injectIgnoreRoles.includes(role))) return
  const pairs = deps.config.injectProperties.map((text) => {
    const colon = text.indexOf(':')
    return [text.slice(0, colon).replaceAll(/["']/g, ''), text.slice(colon + 1).replaceAll(/["']/g, '')] as const
  })
  const allowed = pairs.filter(([name]) => name !== '' && !name.startsWith('os_glance'))
  await setProperties(deps.database.db, context.resourceId, Object.fromEntries(allowed))
}
