/** System users, for programs that shall not be root. */
import { readFile } from 'node:fs/promises'
import { CommandFailed, run, type RunAs } from './command.ts'
import { matching } from './safe-text.ts'

/** A user of this machine's /etc/passwd. */
export async function findUser(name: string): Promise<RunAs | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const [, , uid, gid] = lines.find(([each]) => each === name) ?? []
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

/** Makes the user, with a group of its own and without home, shell or password, unless there is one of that name. */
export async function ensureSystemUser(name: string): Promise<RunAs> {
  const known = await findUser(matching('user name', /^[a-z_][a-z0-9_-]{0,30}$/, name))
  if (known) return known
  const words = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent']
  try {
    await run(['useradd', ...words, '--shell', '/usr/sbin/nologin', '--', name])
  } catch (error) {
    // Another cloud of this machine may have been faster.
    if (!(error instanceof CommandFailed) || !(await findUser(name))) throw error
  }
  const made = await findUser(name)
  if (!made) throw new Error(`useradd made no user ${name}`)
  return made
}

/** Whether that user can do this with a file: `-r`, `-w`, `-x` of test(1), all at once. */
export async function canUse(runAs: RunAs, file: string, modes: readonly ('-r' | '-w' | '-x')[]): Promise<boolean> {
  const tests = modes.flatMap((mode, index) => (index === 0 ? [mode, file] : ['-a', mode, file]))
  try {
    await run(['test', ...tests], { runAs, timeoutMs: 10_000 })
    return true
  } catch (error) {
    if (error instanceof CommandFailed && error.exitCode === 1) return false
    throw error
  }
}
