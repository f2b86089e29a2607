/** Files of `personality` on a config drive, where nova puts them: contents below `content/`, paths in meta_data.json. */
import type { InjectedFile } from '../model/server.ts'

/** Files of a config drive by path, base64. */
type Files = Readonly<Record<string, string>>

const isMetadata = /^openstack\/[^/]+\/meta_data\.json$/

/** The config drive with these files; `files` is in the metadata only where there are any, as with nova. */
export function withInjectedFiles(drive: Files, injected: readonly InjectedFile[]): Record<string, string> {
  if (injected.length === 0) return { ...drive }
  const contentPath = (index: number) => `/content/${String(index).padStart(4, '0')}`
  const files = injected.map(({ path }, index) => ({ path, content_path: contentPath(index) }))
  const told = Object.entries(drive).map(([path, text]) => [path, isMetadata.test(path) ? addFiles(text, files) : text])
  const contents = injected.map((file, index) => [`openstack${contentPath(index)}`, file.contents])
  return Object.fromEntries([...told, ...contents]) as Record<string, string>
}

function addFiles(base64: string, files: readonly object[]): string {
  const document = JSON.parse(Buffer.from(base64, 'base64').toString()) as object
  return Buffer.from(JSON.stringify({ ...document, files })).toString('base64')
}
