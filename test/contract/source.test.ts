/** Rules that hold for every line of the program: no shell, no comparison of secrets, locked dependencies. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.includes('testing'))
  .map((name) => ({ name: `src/${name}`, text: readFileSync(join(root, 'src', name), 'utf8') }))
const filesWith = (pattern: RegExp) => sources.flatMap(({ name, text }) => (pattern.test(text) ? [name] : []))
const readJson = <T>(name: string) => JSON.parse(readFileSync(join(root, name), 'utf8')) as T

test('P1: programs are started from few places, with argument vectors and without a shell', () => {
  assert.ok(sources.length > 400)
  assert.deepEqual(filesWith(/node:child_process/).sort(), [
    'src/cmd/prepare.ts', // apt-get, its own words only
    'src/cmd/supervisor.ts', // the program's own processes
    'src/cmd/up.ts', // likewise
    'src/host/command.ts', // everything else
    'src/host/line-monitor.ts', // types
    'src/platform/manage/accounts.ts', // getent
  ])
  assert.deepEqual(
    filesWith(/shell:(?!\s*false)|\bexec(Sync)?\b[^}]*\} from 'node:child_process'|'(ba|da)?sh',\s*'-\w*c/),
    [],
  )
  assert.deepEqual(filesWith(/\beval\(|new Function\(|node:vm'/), [])
})

test('no file holds the marks of a merge that was not finished', () => {
  const folders = ['src', 'test', 'docs', 'tools', 'bench', 'guest', 'bin']
  const names = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile() && !/\/(build|node_modules)\b/.test(each.parentPath))
      .map((each) => join(each.parentPath, each.name)),
  )
  const top = readdirSync(root, { withFileTypes: true }).filter((each) => each.isFile())
  const marked = [...names, ...top.map(({ name }) => join(root, name))].filter((name) =>
    /^(<{7} |={7}$|>{7} )/m.test(readFileSync(name, 'utf8')),
  )
  assert.deepEqual(marked, [])
})

test('P9: no secret is compared by an operator that stops at the first difference', () => {
  const operators = /reveal\(\)\s*[=!]==?|[=!]==?\s*[\w.?!]+\.reveal\(\)|reveal\(\)\.(startsWith|includes|indexOf)/
  assert.deepEqual(filesWith(operators), [])
  assert.deepEqual(filesWith(/(signature|hmac|mac|digest)\w*\s*[=!]==?\s*(expected|\w*[sS]ignature\b|\w*\.digest)/), [])
})

test('G4: what must not be guessed does not come from Math.random', () => {
  // Moments and choices among equals may; names, ids and secrets may not.
  assert.deepEqual(filesWith(/Math\.random\(\)[^\n]*(toString|length|0x|\b(16|36|62|256)\b)/), [])
  const delicate = /src\/(platform|host|base)\/|\/(auth|tokens|credentials|metadata|novncproxy)\//
  assert.deepEqual(
    filesWith(/Math\.random/).filter((name) => delicate.test(name)),
    [],
  )
})

test('P6: regular expressions are made from the program’s and the operator’s words only', () => {
  assert.deepEqual(filesWith(/new RegExp\(/).sort(), [
    'src/platform/auth/policy.ts', // the operator's policy file
    'src/services/identity/credentials/signature.ts', // its own words
    'src/services/identity/model/mapping/pattern.ts', // mappings, which administrators write
    'src/services/identity/users/compliance.ts', // the operator's rule for passwords
    'src/services/image/operations/property-rules.ts', // the operator's file of protected properties
    'src/services/placement/api/allocation-candidates/groups.ts', // its own words
  ])
})

interface Locked {
  integrity?: string
  dev?: boolean
  optional?: boolean
  os?: string[]
  cpu?: string[]
}
interface Lock {
  packages: Record<string, Locked>
}

test('P19: dependencies are few, exact and locked by their content, and install no scripts', () => {
  const { dependencies, devDependencies } = readJson<Record<string, Record<string, string>>>('package.json')
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name} is pinned`)
  assert.ok(Object.keys(dependencies!).length <= 20)
  const locked = Object.entries(readJson<Lock>('package-lock.json').packages).filter(([name]) => name !== '')
  // A binding is there once for each machine, and fetched for one.
  const isFetched = ({ os, cpu }: Locked) => (os?.includes('linux') ?? true) && (cpu?.includes('x64') ?? true)
  const running = locked.filter(([, each]) => each.dev !== true && isFetched(each))
  assert.ok(running.length <= 80, `${running.length} packages at run time`)
  // Tools for other machines are named in the lock file and never fetched here.
  const unlocked = locked.filter(([, each]) => each.integrity === undefined && !(each.dev && each.optional))
  assert.deepEqual(unlocked, [])
  assert.match(readFileSync(join(root, '.npmrc'), 'utf8'), /^ignore-scripts=true$/m)
  assert.match(readFileSync(join(root, '.ci/run'), 'utf8'), /npm ci --ignore-scripts/)
})
