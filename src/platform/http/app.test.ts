import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { PolicyEnforcer, rule } from '../auth/policy.ts'
import { someone } from '../auth/testing.ts'
import { createLogger } from '../log/log.ts'
import { localTransport } from './client.ts'
import { routesOf } from './route.ts'
import { bodies } from './schema.ts'
import { serve } from './server.ts'
import { testApp } from './testing.ts'
import { defineVersions } from './versions.ts'

const show = rule('things:show', 'role:reader', 'Show', 'GET /things/:id')
const table = defineVersions([
  { at: '2.1', name: 'initial', note: 'first' },
  { at: '2.2', name: 'typed', note: 'things have a type' },
  { at: '2.5', name: 'gone', note: 'old route goes' },
])
const first = Type.Object({ name: Type.String({ minLength: 1, maxLength: 5 }) }, { additionalProperties: false })
const typed = Type.Object({ name: Type.String(), type: Type.Optional(Type.String()) }, { additionalProperties: false })

const route = routesOf<unknown>()

const routes = [
  route({
    method: 'GET',
    path: '/things/:id',
    policy: show,
    handle: ({ ctx, params }) => (ctx.authorize(show), { status: 200, body: { id: params.id } }),
  }),
  route({
    method: 'POST',
    path: '/things',
    policy: null,
    body: bodies(typed, [
      ['initial', first],
      ['typed', typed],
    ]),
    handle: ({ body, version }) => ({ status: 201, body: { ...body, at: version.text } }),
  }),
  route({ method: 'GET', path: '/old', policy: null, until: 'gone', handle: () => ({ status: 200, body: 'old' }) }),
  route({
    method: 'GET',
    path: '/boom',
    policy: null,
    auth: 'none',
    handle: () => {
      throw new Error('secret path /etc/x')
    },
  }),
]

const app = testApp({
  definition: {
    type: 'compute',
    basePaths: ['/v2.1', '/v2.1/:project_id([0-9a-f]{32})'],
    microversions: { table, legacyHeader: 'X-OpenStack-Nova-API-Version' },
    bodyLimit: 1000,
  },
  routes,
  deps: {},
  enforcer: new PolicyEnforcer([show]),
  authenticator: {
    validate: async (token) =>
      token === 'good' || token === 'weak' ? someone({ roles: token === 'good' ? ['reader'] : [] }) : null,
  },
})
const transport = localTransport(app)
const send = (
  method: string,
  path: string,
  json?: unknown,
  headers: Record<string, string> = { 'X-Auth-Token': 'good' },
) => transport.send({ method, path, json, headers })

test('routes answer below every base path, HEAD where there is GET, with a request id', async () => {
  const answer = await send('GET', '/v2.1/things/a%2Fb')
  assert.deepEqual([answer.status, answer.body], [200, { id: 'a/b' }])
  assert.match(answer.headers['x-openstack-request-id'] ?? '', /^req-[0-9a-f-]{36}$/)
  assert.equal((await send('GET', `/v2.1/${'0'.repeat(32)}/things/1`)).status, 200)
  assert.equal((await send('HEAD', '/v2.1/things/1')).status, 200)
  assert.equal((await send('GET', '/v2.1/nothing')).status, 404)
  const wrong = await send('DELETE', '/v2.1/things/1')
  assert.deepEqual([wrong.status, wrong.headers['allow']], [405, 'GET'])
})

test('P11: without a token 401, without the role 403, an unexpected error tells nothing', async () => {
  assert.equal((await send('GET', '/v2.1/things/1', undefined, {})).status, 401)
  assert.equal((await send('GET', '/v2.1/things/1', undefined, { 'X-Auth-Token': 'bad' })).status, 401)
  assert.equal(
    (await send('GET', '/v2.1/things/1', undefined, { 'X-Auth-Token': 'weak', 'X-Roles': 'reader' })).status,
    403,
  )
  const boom = await send('GET', '/v2.1/boom', undefined, {})
  assert.equal(boom.status, 500)
  assert.doesNotMatch(JSON.stringify(boom.body), /etc/)
})

test('P6: what the access rules allow is what is routed, however a path is spelt', async () => {
  const seen: string[] = []
  const note = (name: string) => () => (seen.push(name), { status: 200, body: name })
  const limited = testApp({
    definition: { type: 'things' },
    routes: [
      route({ method: 'GET', path: '/things/detail', policy: null, handle: note('detail') }),
      route({ method: 'GET', path: '/things/:id', policy: null, handle: note('show') }),
      route({ method: 'DELETE', path: '/things/:id', policy: null, handle: note('delete') }),
      route({ method: 'GET', path: '/things/:id/ips', policy: null, handle: note('ips') }),
      route({ method: 'DELETE', path: '/things/:id/metadata/:key', policy: null, handle: note('key') }),
    ],
    deps: {},
    authenticator: {
      validate: async () =>
        someone({
          applicationCredentialId: 'a',
          accessRules: [
            { service: 'things', method: 'GET', path: '/v1/things/*/ips' },
            { service: 'things', method: 'DELETE', path: '/v1/things/*/metadata/*' },
          ],
        }),
    },
  })
  const server = await serve(limited, { host: '127.0.0.1', port: 0, log: createLogger({ name: 'test' }) })
  const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
    new Promise<number>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: server.port, method, path, agent: false }
      httpRequest({ ...options, headers: { 'X-Auth-Token': 't', ...headers } }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0))
      })
        .on('error', reject)
        .end()
    })
  try {
    assert.equal(await ask('GET', '/v1/things/1/ips'), 200)
    assert.equal(await ask('DELETE', '/v1/things/1/metadata/a%2Fb'), 200)
    assert.equal(await ask('GET', '/v1/things/1'), 401)
    seen.length = 0
    for (const [method, ends] of [
      ['GET', ['ips']],
      ['DELETE', ['metadata/x', 'metadata/%2e']],
    ] as const)
      for (const end of ends)
        for (const id of ['1', 'detail'])
          for (const joint of '# ? ; %23 %3f %3F %3b %2f %2F # // /./ /../ /..;/ %00 %00/ \\ %5c %0a %0d%0a ;/ ?/ #/ /# %2523 %252f \u2028'
            .split(' ')
            .map((each) => encodeURI(each).replaceAll('%25', '%')))
            for (const path of [`/v1/things/${id}${joint}${end}`, `/v1/things/${id}${joint}/${end}`]) {
              for (const target of [path, `http://127.0.0.1${path}`]) await ask(method, target)
              await ask('POST', path, { 'X-HTTP-Method-Override': method, 'X-Original-URL': `/v1/things/${id}` })
            }
    assert.deepEqual(
      seen.filter((name) => name !== 'ips' && name !== 'key'),
      [],
    )
    assert.equal(await ask('GET', '/v1/things/1#/ips'), 400)
    assert.equal(await ask('GET', '/v1/things/1/ips?x=#'), 200)
    assert.equal(await ask('GET', `/v1/things/${'x'.repeat(4096)}/ips`), 414)
  } finally {
    await server.close(10)
  }
})

test('P5: a query with thousands of parameters is refused, one with thousands of values is not', async () => {
  const many = (each: (index: number) => string) => Array.from({ length: 7000 }, (_, index) => each(index)).join('&')
  assert.equal((await send('GET', `/v2.1/things/1?${many((index) => `p${index}=1`)}`)).status, 400)
  assert.equal((await send('GET', `/v2.1/things/1?${many((index) => `p=${index}`)}`)).status, 200)
})

test('microversions select schema and route', async () => {
  const at = (version: string) => ({
    'X-Auth-Token': 'good',
    'OpenStack-API-Version': `volume 3.1, compute ${version}`,
  })
  assert.equal((await send('POST', '/v2.1/things', { name: 'a', type: 'b' })).status, 400)
  const typedAnswer = await send('POST', '/v2.1/things', { name: 'a', type: 'b' }, at('2.2'))
  assert.deepEqual(typedAnswer.body, { name: 'a', type: 'b', at: '2.2' })
  assert.equal(typedAnswer.headers['x-openstack-nova-api-version'], '2.2')
  assert.equal((await send('GET', '/v2.1/old', undefined, at('2.4'))).status, 200)
  assert.equal((await send('GET', '/v2.1/old', undefined, at('latest'))).status, 404)
  assert.equal((await send('GET', '/v2.1/old', undefined, at('2.6'))).status, 406)
  assert.equal((await send('GET', '/v2.1/old', undefined, at('two'))).status, 400)
})

test('schema problems are told in the words of jsonschema', async () => {
  const message = async (json: unknown) =>
    ((await send('POST', '/v2.1/things', json)).body as { error: { message: string } }).error.message
  assert.match(await message({}), /'name' is a required property/)
  assert.match(await message({ name: 'abcdef' }), /name.*'abcdef' is too long/)
  assert.match(await message({ name: 5 }), /5 is not of type 'string'/)
  assert.match(await message({ name: 'a', x: 1 }), /Additional properties are not allowed \('x' was unexpected\)/)
})

test('P5, P8: bodies over a socket: limit, media type, malformed, prototype keys, depth, keep-alive', async (t) => {
  const server = await serve(app, { host: '127.0.0.1', port: 0, log: createLogger({ name: 'test' }) })
  t.after(() => server.close(10))
  const post = async (body: string, type = 'application/json') => {
    const response = await fetch(`http://127.0.0.1:${server.port}/v2.1/things`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': type, 'X-Auth-Token': 'good' },
    })
    await response.text()
    return response.status
  }
  assert.equal(await post('{"name":"a"}'), 201)
  assert.equal(await post(`{"name":"${'a'.repeat(2000)}"}`), 413)
  assert.equal(await post('{"name":"a"}', 'text/xml'), 415)
  assert.equal(await post('{"name":'), 400)
  assert.equal(await post('{"name":"a","__proto__":{"x":1}}'), 400)
  assert.equal((await send('POST', '/v2.1/things', JSON.parse('{"name":"a","__proto__":1}'))).status, 400, 'in process')
  assert.equal(await post(`${'['.repeat(200)}${']'.repeat(200)}`), 400)
  assert.equal(await post('{"name":"b"}'), 201)
})

test('an unread upload does not disturb the next request', async (t) => {
  const server = await serve(app, { host: '127.0.0.1', port: 0, log: createLogger({ name: 'test' }) })
  t.after(() => server.close(10))
  const url = `http://127.0.0.1:${server.port}/v2.1/nothing`
  const upload = Readable.toWeb(Readable.from([Buffer.alloc(500_000)]))
  const response = await fetch(url, { method: 'PUT', body: upload as never, duplex: 'half' } as RequestInit)
  assert.equal(response.status, 404)
  assert.equal((await fetch(url)).status, 404)
})
