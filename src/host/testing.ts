/** What the system tests of this folder share: names of their own, and a reason to skip where the machine lacks something. */
import { randomBytes } from 'node:crypto'
import type { Program } from './packages.ts'
import { installHint, missingPrograms } from './packages.ts'

/** For `test(name, { skip: await reasonToSkip([...]) }, ...)`: false, or what is missing. */
export async function reasonToSkip(programs: readonly Program[]): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'needs root'
  const hint = installHint(await missingPrograms(programs))
  return hint === undefined ? false : `needs: ${hint}`
}

/** Short enough for an interface name together with a prefix of eight letters. */
export function uniqueName(prefix: string): string {
  return `${prefix}${randomBytes(3).toString('hex')}`
}
