import assert from 'node:assert/strict'
import { readlink, realpath } from 'node:fs/promises'
import { test } from 'node:test'
import { asUser } from './as-user.ts'
import { CommandFailed, confine, run } from './command.ts'

const failing = async (promise: Promise<unknown>): Promise<CommandFailed> => {
  const error: unknown = await promise.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  assert.ok(error instanceof CommandFailed, `expected CommandFailed, got ${String(error)}`)
  return error
}

test('P1: arguments reach the program as they are, whatever is in them', async () => {
  const hostile = `'; touch /tmp/x; "$(id)" \n --`
  assert.equal((await run(['printf', '%s', hostile])).stdout, hostile)
})

test('P1: the environment is minimal', async () => {
  process.env['NEPHOS_TEST_SECRET'] = 'secret'
  const { stdout } = await run(['env'])
  delete process.env['NEPHOS_TEST_SECRET']
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0])
      .sort(),
    ['LANG', 'LC_ALL', 'PATH'],
  )
})

test('a failure tells exit code and the end of stderr', async () => {
  const error = await failing(run(['ls', '/no-such-folder']))
  assert.equal(error.reason, 'exit')
  assert.equal(error.exitCode, 2)
  assert.match(error.message, /^ls exited with 2: .*No such file/)
})

test('input is passed, also to a program that does not read it', async () => {
  assert.equal((await run(['cat'], { input: 'hello' })).stdout, 'hello')
  await run(['true'], { input: 'x'.repeat(1_000_000) })
})

test('a program that takes too long is killed', async () => {
  const error = await failing(run(['sleep', '60'], { timeoutMs: 50 }))
  assert.equal(error.reason, 'timeout')
})

test('a program that writes too much is killed', async () => {
  const error = await failing(run(['yes'], { maxOutputBytes: 100_000 }))
  assert.equal(error.reason, 'too much output')
})

test('an abort kills the program', async () => {
  const error = await failing(run(['sleep', '60'], { signal: AbortSignal.timeout(20) }))
  assert.equal(error.reason, 'aborted')
})

test('a program that is not there is a missing program', async () => {
  const error = await failing(run(['nephos-no-such-program']))
  assert.equal(error.reason, 'missing program')
})

test('a daemon that keeps the pipes open does not hold the caller up', async () => {
  const startedAt = performance.now()
  await run(['setsid', '--fork', 'sleep', '3'])
  assert.ok(performance.now() - startedAt < 2500)
})

test('P1: wrappers come in the order namespace, limits, user', () => {
  const limits = { addressSpaceBytes: 1024, cpuSeconds: 2 }
  const argv = confine(['/bin/x', '--', 'y'], { netns: 'ns1', runAs: { uid: 5, gid: 6 }, limits, withoutNetwork: true })
  assert.equal(
    argv.join(' '),
    'nsenter --net=/run/netns/ns1 -- unshare --net -- prlimit --as=1024:1024 --cpu=2:2 -- ' +
      'setpriv --reuid=5 --regid=6 --no-new-privs --inh-caps=-all --clear-groups -- /bin/x -- y',
  )
})

test('P1: who is not root has an empty network too, by way of a user namespace', async () => {
  const user = process.getuid?.() === 0 ? { uid: 5, gid: 6 } : undefined
  const program = [await realpath('/usr/bin/readlink'), '/proc/self/ns/net']
  const argv = asUser(user, () => confine(program, { withoutNetwork: true }))
  assert.deepEqual(argv, ['unshare', '--user', '--net', '--', ...program])
  const { stdout } = await run(argv, user && { runAs: user })
  assert.notEqual(stdout.trim(), await readlink('/proc/self/ns/net'))
})

test('a namespace name cannot leave its folder', () => {
  assert.throws(() => confine(['x'], { netns: '../../proc/1/ns/net' }), /network namespace name/)
})
