/** Who QEMU runs as: a user of its own where the machine lets that user do what QEMU must. */
import { chmod, chown, mkdir, stat } from 'node:fs/promises'
import type { RunAs } from '../../../../host/command.ts'
import { canUse } from '../../../../host/users.ts'

export interface Identity {
  /** Undefined: QEMU is root, confined by its sandbox alone. */
  runAs: RunAs | undefined
  /** Why it has to be root. */
  reason?: string
}

/** Tries it out, as that user: a mode says less than an open. `stateDir` becomes passable for the user's group. */
export async function guestIdentity(
  user: RunAs | undefined,
  stateDir: string,
  virtType: 'tcg' | 'kvm',
): Promise<Identity> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  if (!user) return { runAs: undefined, reason: 'there is no user for it' }
  await chown(stateDir, 0, user.gid)
  await chmod(stateDir, 0o710)
  const runAs = virtType === 'kvm' ? { ...user, groups: [(await stat('/dev/kvm')).gid] } : user
  const needs: [string, ('-r' | '-w' | '-x')[]][] = [
    [stateDir, ['-x']],
    ['/dev/net/tun', ['-r', '-w']],
    ...(virtType === 'kvm' ? ([['/dev/kvm', ['-r', '-w']]] as [string, ('-r' | '-w')[]][]) : []),
  ]
  for (const [file, modes] of needs) {
    if (!(await canUse(runAs, file, modes))) return { runAs: undefined, reason: `its user cannot use ${file}` }
  }
  return { runAs }
}

/** Gives a file to QEMU's user, and takes it from everyone else. */
export async function giveTo(runAs: RunAs | undefined, file: string): Promise<void> {
  await chmod(file, 0o600)
  await chown(file, runAs?.uid ?? 0, runAs?.gid ?? 0)
}

/** Lets QEMU's group read a file, or pass a folder, of root's. */
export async function shareWith(runAs: RunAs | undefined, path: string, mode: 0o640 | 0o710): Promise<void> {
  await chown(path, 0, runAs?.gid ?? 0)
  await chmod(path, mode)
}
