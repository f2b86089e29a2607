/** Doing something with the rights of a less privileged user. */
import type { RunAs } from './command.ts'

/**
 * Does `work`, which must not wait for anything, as that user; without one as who we are. What it follows, opens and makes is
 * what that user may, whatever lies in the way.
 */
export function asUser<T>(user: RunAs | undefined, work: () => T): T {
  if (!user || !process.seteuid || !process.setegid || !process.setgroups || !process.getgroups) return work()
  const groups = process.getgroups()
  const [uid, gid] = [process.geteuid!(), process.getegid!()]
  try {
    process.setgroups([user.gid])
    process.setegid(user.gid)
    process.seteuid(user.uid)
    return work()
  } finally {
    process.seteuid(uid)
    process.setegid(gid)
    process.setgroups(groups)
  }
}
