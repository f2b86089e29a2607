/** What the system tests of this folder share: names of their own, and a reason to skip where the machine lacks something. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { test } from 'node:test'
import { run } from './command.ts'
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

const insideOf = 'NEPHOS_TEST_INSIDE'

/**
 * Defines tests that run in new namespaces of this machine (a network of their own unless told), so that the real one is
 * untouched: the file runs itself again through unshare(1), and there is one test for that here. It fails when nothing
 * ran in there.
 */
export function inNamespaces(
  file: string,
  options: { skip: string | false; unshare?: readonly string[]; before?: () => Promise<unknown> },
  define: () => void,
): void {
  if (process.env[insideOf] === file) return define()
  const { skip, unshare = ['--net'], before } = options
  test(`${basename(file)} in namespaces of its own`, { skip }, async (t) => {
    await before?.()
    const env: NodeJS.ProcessEnv = { ...process.env, [insideOf]: file }
    delete env['NODE_TEST_CONTEXT']
    const argv = [...unshare, process.execPath, '--disable-warning=ExperimentalWarning', '--test-reporter=spec', file]
    const { code, output } = await new Promise<{ code: number | null; output: string }>((resolve, reject) => {
      const child = spawn('unshare', argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
      child.once('error', reject).once('close', (status) => resolve({ code: status, output: text }))
      t.signal.addEventListener('abort', () => child.kill('SIGTERM'))
    })
    assert.equal(code, 0, output)
    const passed = Number(/^ℹ pass (\d+)/m.exec(output)?.[1] ?? 0)
    assert.ok(passed > 0, `no test ran in there:\n${output}`)
    t.diagnostic(`${passed} tests passed in there`)
    for (const [line] of output.matchAll(/^ℹ (?!tests|suites|pass|fail|cancelled|skipped|todo|duration).*$/gm))
      t.diagnostic(line)
  })
}

/** Inside namespaces with a network and mounts of their own: a machine without network and without namespaces yet. */
export async function becomeHost(): Promise<void> {
  await run(['mount', '-t', 'tmpfs', 'tmpfs', '/run'])
  await mkdir('/run/netns')
  await run(['ip', 'link', 'set', 'lo', 'up'])
}

/** For inNamespaces, where the tests begin with becomeHost. */
export const hostNamespaces = ['--net', '--mount', '--propagation', 'private']
