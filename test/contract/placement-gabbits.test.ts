/**
 * Runs gabbi files against placement over HTTP: PLACEMENT_GABBITS names a folder with upstream's
 * `placement/tests/functional/gabbits`. Needs Debian's python3-gabbi. Skipped without either.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IncomingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { App } from '../../src/platform/http/app.ts'
import { serve } from '../../src/platform/http/server.ts'
import { createLogger } from '../../src/platform/log/log.ts'
import { policies } from '../../src/services/placement/policies.ts'
import { atItsAddress, startPlacement } from '../../src/services/placement/testing/placement.ts'
import { commonEnvironment, configurations, fixtures } from './placement-fixtures.ts'

const folder = process.env['PLACEMENT_GABBITS'] ?? ''
const only = process.env['PLACEMENT_GABBIT']
const runner = '/usr/bin/gabbi-run'
const skip =
  folder === '' ? 'PLACEMENT_GABBITS names no folder' : !existsSync(runner) && 'python3-gabbi is not installed'

/** What cannot be tried here, by file and test, with the reason. */
const excluded: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'basic-http': {
    'bad content length not int': "Node's HTTP parser refuses such a request before any service sees it (400, no body)",
  },
}

/** Who calls is in headers upstream and in the token here. */
const withHeaderAuth = (app: App): App => ({
  ...app,
  dispatch(request) {
    const { headers } = request
    const token = headers['x-auth-token']
    return app.dispatch(typeof token === 'string' ? { ...request, headers: withRoles(headers, token) } : request)
  },
})

function withRoles(headers: IncomingHttpHeaders, token: string): IncomingHttpHeaders {
  const text = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined)
  const [user, project] = token.split(':')
  const roles = text('x-roles') ?? (user === 'admin' ? 'admin' : '')
  const scope = text('openstack-system-scope') === undefined ? '' : 'system'
  const full = `${user}:${text('x-project-id') ?? project ?? user};${roles};${scope}`
  return { ...headers, 'x-auth-token': full }
}

interface GabbiTest {
  name: string
  response_strings?: string[]
  response_json_paths?: Record<string, unknown>
}

/** Debian's gabbi takes regular expressions for paths and not yet for strings. */
function modernize(each: GabbiTest): GabbiTest {
  const isPattern = (text: unknown) => typeof text === 'string' && /^\/.*\/$/.test(text)
  const pattern = each.response_strings?.find(isPattern)
  if (pattern === undefined) return each
  return {
    ...each,
    response_strings: each.response_strings!.filter((text) => !isPattern(text)),
    response_json_paths: { ...each.response_json_paths, '$.errors[0].detail': pattern },
  }
}

function run(argv: readonly string[], env: Record<string, string>): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), { env: { ...process.env, ...env } })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', reject).on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

const everyoneMay = Object.fromEntries(
  policies.filter((policy) => policy.name !== 'admin_api').map((policy) => [policy.name, '@']),
)

const names = skip
  ? []
  : readdirSync(folder)
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => file.slice(0, -5))
if (skip) test('gabbi files of placement', { skip }, () => undefined)

for (const name of names.filter((each) => only === undefined || each === only)) {
  test(`gabbi: ${name}`, async (t) => {
    const text = readFileSync(join(folder, `${name}.yaml`), 'utf8')
    const suite = parse(text, { merge: true }) as { fixtures?: string[]; tests: GabbiTest[] }
    const fixture = suite.fixtures?.[0] ?? 'APIFixture'
    const placement = await startPlacement({
      config: configurations[fixture] ?? '',
      policies: fixture === 'OpenPolicyFixture' ? everyoneMay : {},
    })
    t.after(() => placement.stop())
    const environment = commonEnvironment()
    await fixtures[fixture]!(placement, environment)
    const log = createLogger({ name: 'http', level: 'fatal' })
    const server = await serve(atItsAddress(withHeaderAuth(placement.app)), { host: '127.0.0.1', port: 0, log })
    t.after(() => server.close(0))
    const work = mkdtempSync(join(tmpdir(), 'nephos-gabbi-'))
    t.after(() => rmSync(work, { recursive: true, force: true }))
    const { fixtures: _fixtures, ...rest } = suite
    const left = rest.tests.filter((each) => excluded[name]?.[each.name] === undefined).map(modernize)
    for (const [which, why] of Object.entries(excluded[name] ?? {})) t.diagnostic(`not tried: ${which}: ${why}`)
    const file = join(work, `${name}.yaml`)
    writeFileSync(file, JSON.stringify({ ...rest, tests: left }))
    const done = await run(['/usr/bin/python3', runner, `127.0.0.1:${server.port}`, '--', file], environment)
    const passed = done.output.match(/^[ .]*✓/gm)?.length ?? 0
    t.diagnostic(`${passed} of ${left.length} requests`)
    if (done.code !== 0) throw new Error(failuresIn(done.output))
  })
}

/** What gabbi says of failures, without the passes. */
const failuresIn = (output: string): string =>
  output
    .split('\n')
    .filter((line) => !/^[ .]*✓/.test(line))
    .join('\n')
    .slice(0, 6000)
