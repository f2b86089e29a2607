/** Rules of the security checklist that the platform keeps for every service. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Type } from 'typebox'
import type { Credentials } from '../auth/credentials.ts'
import { PolicyEnforcer, rule } from '../auth/policy.ts'
import { Secret } from '../auth/secret.ts'
import { someone } from '../auth/testing.ts'
import { createLogger, type Logger } from '../log/log.ts'
import { routesOf, type ApiRequest } from './route.ts'
import { serve } from './server.ts'
import { testApp } from './testing.ts'

const route = routesOf<unknown>()

const routes = [
  route({
    method: 'GET',
    path: '/things/:id',
    policy: null,
    auth: 'none',
    handle: ({ ctx, baseUrl, url }) => ({
      status: 200,
      body: { global: ctx.globalRequestId, self: `${baseUrl}${url}`, roles: ctx.roles },
    }),
  }),
  route({
    method: 'POST',
    path: '/things',
    policy: null,
    auth: 'none',
    body: Type.Object({ name: Type.String() }),
    handle: ({ body }) => {
      throw new Error(`broken by ${body.name}`)
    },
  }),
]

const appWith = (log: Logger) => testApp({ routes, deps: {}, log, baseUrl: 'http://public.example' })

function logOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'test.log')
  return { log: createLogger({ name: 'test', file, level: 'debug' }), file }
}

const id = 'req-01234567-89ab-cdef-0123-456789abcdef'

test('P12: a request id from outside is one, or it is not heard', async () => {
  const app = appWith(createLogger({ name: 'test' }))
  const ask = async (given: string) => {
    const headers = { 'x-openstack-request-id': given }
    const { body, headers: answered } = await app.dispatch({ method: 'GET', url: '/v1/things/1', headers })
    assert.notEqual(answered['X-Openstack-Request-Id'], given, 'the id of the request itself is never given')
    return (body as { global: string | null }).global
  }
  assert.equal(await ask(id), id)
  for (const forged of [
    `${id}\n`,
    `${id}\r\nlevel=50`,
    `x${id}`,
    id.toUpperCase(),
    'req-1',
    '',
    '../../x',
    `${id},${id}`,
  ])
    assert.equal(await ask(forged), null, JSON.stringify(forged))
})

test('P12: whatever a client sends, the log has one line of JSON for each event', async (t) => {
  const { log, file } = logOf(t)
  const app = appWith(log)
  const server = await serve(app, { host: '127.0.0.1', port: 0, log })
  const evil = [
    'a\nb',
    'a\r\n{"level":60,"msg":"forged"}',
    '\u001b[2J\u001b[1;31mx',
    '\u2028x\u2029',
    'a\0b',
    '\u0085x',
    '\ud800',
  ]
  for (const name of evil) {
    const { status, body } = await app.dispatch({ method: 'POST', url: '/v1/things', headers: {}, json: { name } })
    assert.equal(status, 500)
    assert.doesNotMatch(JSON.stringify(body), /broken/)
    log.info({ name, nested: { name } }, `said ${name}`)
  }
  await fetch(`http://127.0.0.1:${server.port}/v1/things/${encodeURIComponent('\u001b[2J\n')}?x=%0d%0a`)
  await server.close()
  const text = readFileSync(file, 'utf8')
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\u0000-\u001f]/)
  const lines = text.trimEnd().split('\n')
  assert.equal(lines.length, evil.length * 2 + 1)
  for (const line of lines) assert.ok((JSON.parse(line) as { level: number }).level < 60)
  assert.equal(statSync(file).mode & 0o077, 0)
})

test('P15: links start with what the operator said, whatever Host and forwarding headers say', async () => {
  const app = appWith(createLogger({ name: 'test' }))
  const headers = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'gopher',
    forwarded: 'host=evil.example',
  }
  const { body } = await app.dispatch({ method: 'GET', url: '/v1/things/1', headers })
  assert.equal((body as { self: string }).self, 'http://public.example/v1/things/1')
})

test('E8, P16: paths, queries, hosts and methods that a client invents cost nothing that stays', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const seen = new Set<string>()
  const log = createLogger({ name: 'test' })
  const app = appWith(log)
  const observe = (
    ...[service, method, path, status]: Parameters<NonNullable<Parameters<typeof serve>[1]['observe']>>
  ) => void seen.add(`${service} ${method} ${path} ${status}`)
  const server = await serve(app, { host: '127.0.0.1', port: 0, log, observe })
  t.after(() => server.close(0))
  const many = async (from: number, to: number) => {
    for (let at = from; at < to; at++) {
      const url = at % 2 === 0 ? `/v1/random-${at}/${'x'.repeat(100)}?${at}=${at}` : `/v1/things/${at}?q${at}=1`
      await app.dispatch({ method: 'GET', url, headers: { host: `h${at}.example`, 'x-auth-token': `t${at}` } })
    }
    collect()
    return process.memoryUsage().heapUsed
  }
  await many(0, 20_000)
  const before = await many(20_000, 40_000)
  const after = await many(40_000, 100_000)
  // One map entry for each of the 60,000 requests would be more than 10 MB.
  assert.ok(after - before < 4e6, `${after - before} bytes more`)
  const raw = (method: string, path: string) =>
    new Promise<void>((resolve, reject) => {
      httpRequest({ port: server.port, method, path, headers: { Connection: 'close' } }, (answer) =>
        answer.resume().on('end', resolve),
      )
        .on('error', reject)
        .end()
    })
  for (let at = 0; at < 50; at++) await raw(at % 2 ? 'PROPFIND' : 'GET', `/v1/${at % 3 ? 'things' : 'x'}/${at}?${at}`)
  assert.ok(seen.size <= 6, `the metrics have ${seen.size} rows`)
})

test('P18: refusals and what administrators change are told: who, what, outcome, request id', async (t) => {
  const { log, file } = logOf(t)
  const guarded = rule('things:change', 'role:admin', 'Change', 'POST /guarded')
  const who = (userId: string, roles: string[]) => someone({ userId, roles, token: new Secret(`token-of-${userId}`) })
  const callers: Record<string, Credentials> = {
    boss: who('boss', ['admin']),
    joe: who('joe', ['member']),
    nova: who('nova', ['admin', 'service']),
  }
  const handle = ({ ctx }: Pick<ApiRequest, 'ctx'>) => (ctx.authorize(guarded), { status: 204 })
  const app = testApp({
    routes: (['GET', 'POST'] as const).map((method) => ({ method, path: '/guarded', policy: guarded, handle })),
    deps: {},
    enforcer: new PolicyEnforcer([guarded]),
    authenticator: { validate: async (token) => callers[token] ?? null },
    log,
  })
  const told: unknown[] = []
  for (const token of ['', 'invented', 'joe', 'nova', 'boss']) {
    for (const method of ['GET', 'POST']) {
      const answer = await app.dispatch({ method, url: '/v1/guarded?secret=x', headers: { 'x-auth-token': token } })
      const isTold = token !== 'nova' && !(token === 'boss' && method === 'GET')
      if (isTold) told.push([answer.requestId, callers[token]?.userId ?? null, method, '/v1/guarded', answer.status])
    }
  }
  const text = readFileSync(file, 'utf8')
  const lines = text.trimEnd().split('\n')
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ audit }) => audit === true)
  assert.deepEqual(
    events.map(({ requestId, userId, method, path, status }) => [requestId, userId, method, path, status]),
    told,
  )
  assert.doesNotMatch(text, /token-of|invented|secret/)
})
