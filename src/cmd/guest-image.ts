import { chmodSync, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Arguments } from './arguments.ts'

const guestFolder = new URL('../../guest/', import.meta.url)

/** Where the built guest image lies. */
export const guestImagePath = (): string => fileURLToPath(new URL('build/guest.qcow2', guestFolder))

interface Builder {
  packages: readonly string[]
  buildGuestImage(options: { out: string; cacheDir: string; log: (text: string) => void }): Promise<unknown>
}

/** The image's builder: plain JavaScript that runs without the rest. */
export const guestBuilder = (): Promise<Builder> => import(new URL('build.mjs', guestFolder).href) as Promise<Builder>

/** Builds the image unless it is there. */
export async function ensureGuestImage(log: (text: string) => void): Promise<void> {
  if (existsSync(guestImagePath())) return
  log('building the guest image (once, about 10 s)')
  await build(() => undefined)
}

async function build(log: (text: string) => void): Promise<void> {
  const { buildGuestImage } = await guestBuilder()
  await buildGuestImage({ out: guestImagePath(), cacheDir: fileURLToPath(new URL('build/cache', guestFolder)), log })
  // The control plane uploads it, whose user is another one.
  chmodSync(guestImagePath(), 0o644)
}

/** `nephos guest-image`. */
export async function guestImage(_args: Arguments): Promise<number> {
  await build((text) => console.error(text))
  console.log(guestImagePath())
  return 0
}
