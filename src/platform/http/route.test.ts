/** What a declaration says of its parameters, the compiler holds the handler to, and requests bear it out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { localTransport } from './client.ts'
import { last, routesOf, type ApiRequest, type Route } from './route.ts'
import { testApp } from './testing.ts'

interface Deps {
  greeting: string
}
const route = routesOf<Deps>()
const open = { policy: null, auth: 'none' } as const

const send = (routes: Route<Deps>[], method: string, path: string, json?: unknown) =>
  localTransport(testApp<Deps>({ routes, deps: { greeting: 'hello' } })).send({ method, path, json, headers: {} })

test('a handler knows the parameters of its path, the body of its schema and what its service gives it', async () => {
  const tagged = route({
    ...open,
    method: 'PUT',
    path: '/servers/:id/tags/:tag',
    body: Type.Object({ note: Type.String() }),
    handle({ params, body }, deps) {
      // @ts-expect-error: the path has no such parameter
      const misspelt: unknown = params.tags
      // @ts-expect-error: nor has the schema
      const unknown: unknown = body.notes
      // @ts-expect-error: nor has the service
      const missing: unknown = deps.farewell
      const texts: string[] = [params.id, params.tag, body.note, deps.greeting]
      return { status: 200, body: { texts, nothing: [misspelt, unknown, missing].every((each) => each === undefined) } }
    },
  })
  const { body } = await send([tagged], 'PUT', '/v1/servers/7/tags/red', { note: 'why' })
  assert.deepEqual(body, { texts: ['7', 'red', 'why', 'hello'], nothing: true })
})

test('a function that is given a request says which parameters it needs', async () => {
  const idOf = ({ params }: ApiRequest<unknown, { id: string }>) => params.id
  const show = route({
    ...open,
    method: 'GET',
    path: '/servers/:id',
    handle: (request) => ({ status: 200, body: idOf(request) }),
  })
  const list = route({
    ...open,
    method: 'GET',
    path: '/servers',
    // @ts-expect-error: no id in this path
    handle: (request) => ({ status: 200, body: String(idOf(request)) }),
  })
  assert.equal((await send([show, list], 'GET', '/v1/servers/7')).body, '7')
  assert.equal((await send([show, list], 'GET', '/v1/servers')).body, 'undefined')
})

test('the parameters of one of several paths: those of all are there, the others perhaps', async () => {
  const places = ['/services/:service/regions/:region', '/services/:service'] as const
  const routes = places.map((path) =>
    route({
      ...open,
      method: 'GET',
      path,
      handle({ params }) {
        const { service, region = 'everywhere' }: { service: string; region?: string } = params
        // @ts-expect-error: only one of the paths has it
        const needed: { region: string } = params
        return { status: 200, body: { service, region, same: needed.region === params.service } }
      },
    }),
  )
  const { body } = await send(routes, 'GET', '/v1/services/nova')
  assert.deepEqual(body, { service: 'nova', region: 'everywhere', same: false })
})

test('a query has the names of its schema, or any where there is none', async () => {
  const list = route({
    method: 'GET',
    path: '/servers',
    policy: null,
    auth: 'none',
    query: Type.Object({ name: Type.Optional(Type.Array(Type.String())) }),
    answer: { 200: Type.Array(Type.Unknown()) },
    handle({ query }) {
      // @ts-expect-error: the schema has no such parameter
      const misspelt: unknown = last(query, 'nmae')
      return { status: 200, body: [last(query, 'name'), misspelt === undefined] }
    },
  })
  const any = route({
    method: 'GET',
    path: '/flavors',
    policy: null,
    auth: 'none',
    answer: { 200: Type.Array(Type.Unknown()) },
    handle: ({ query }) => ({ status: 200, body: [last(query, 'name')] }),
  })
  assert.deepEqual((await send([list], 'GET', '/v1/servers?name=a&name=b')).body, ['b', true])
  assert.deepEqual((await send([any], 'GET', '/v1/flavors?name=c')).body, ['c'])
})
