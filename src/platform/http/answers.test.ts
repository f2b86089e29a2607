/** Answers as data: their types hold handlers, their schemas are those of a version, and what differs is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { answerAt, since, until, type Answers } from './answers.ts'
import { routesOf } from './route.ts'
import { bodies, findProblem } from './schema.ts'
import { complaintOf } from '../testing/answers.ts'
import { defineVersions } from './versions.ts'

const closed = { additionalProperties: false }
const table = defineVersions([
  { at: '1.0', name: 'initial', note: 'Something' },
  { at: '1.1', name: 'kinds', note: 'Things have kinds' },
  { at: '1.2', name: 'no-colours', note: 'and no colours' },
])
const thing = Type.Object(
  {
    name: Type.String(),
    kind: since('kinds', Type.Literal('plain')),
    colour: until('no-colours', Type.Optional(Type.String())),
  },
  closed,
)
const route = routesOf<object>()

test('a handler returns what its route declares', () => {
  const common = { method: 'GET', path: '/things', policy: null, answer: { 200: thing, 204: null } } as const
  const routes = [
    route({ ...common, handle: (_asked) => ({ status: 200, body: { name: 'x', kind: 'plain' } }) }),
    route({ ...common, handle: async (_asked) => ({ status: 204 }) }),
    // @ts-expect-error: no such status
    route({ ...common, handle: (_asked) => ({ status: 201, body: { name: 'x' } }) }),
    // @ts-expect-error: a field of another type
    route({ ...common, handle: (_asked) => ({ status: 200, body: { name: 1 } }) }),
    // @ts-expect-error: a body where none is declared
    route({ ...common, handle: (_asked) => ({ status: 204, body: { name: 'x' } }) }),
  ]
  assert.equal(routes.length, 5)
})

/** What is wrong with a body at a version; undefined for nothing. */
const problemAt = (answer: Answers, text: string, body: unknown) => {
  const schema = answerAt({ answer }, 200, table.parse(text)!, table)
  assert.ok(typeof schema === 'object' && schema !== null)
  return findProblem(schema, body)?.message
}

test('fields are there in their versions only, and always then unless they are optional', () => {
  const all = { name: 'x', kind: 'plain', colour: 'red' }
  const answer = { 200: Type.Object({ things: Type.Array(thing) }, closed) }
  const problem = (version: string, each: object) => problemAt(answer, version, { things: [each] })
  assert.match(problem('1.0', all)!, /'kind' was unexpected/)
  assert.equal(problem('1.0', { name: 'x' }), undefined)
  assert.equal(problem('1.1', all), undefined)
  assert.match(problem('1.1', { name: 'x' })!, /'kind' is a required property/)
  assert.match(problem('1.2', all)!, /'colour' was unexpected/)
})

test('an answer may be of another shape in each version', () => {
  const list = Type.Array(thing)
  const answer = {
    200: bodies(Type.Union([list, thing]), [
      ['initial', thing],
      ['kinds', list],
    ]),
  }
  assert.equal(problemAt(answer, '1.0', { name: 'x' }), undefined)
  assert.equal(problemAt(answer, '1.2', [{ name: 'x', kind: 'plain' }]), undefined)
  assert.match(problemAt(answer, '1.2', { name: 'x' })!, /is not of type 'array'/)
})

test('what differs is told with the route and the field', () => {
  const declared = route({
    method: 'GET',
    path: '/things/:id',
    policy: null,
    answer: { 200: thing, 204: null },
    handle: (_asked) => ({ status: 204 }),
  })
  const definition = { type: 'test', basePaths: [''], microversions: { table }, envelope: () => undefined }
  const told = (status: number, body?: unknown) =>
    complaintOf({ definition, route: declared, version: table.parse('1.1')!, response: { status, body } })
  assert.equal(told(200, { name: 'x', kind: 'plain', colour: undefined }), undefined)
  assert.equal(
    told(200, { name: 1, kind: 'plain' }),
    "test GET /things/:id 1.1: 200 body.name: 1 is not of type 'string'",
  )
  assert.equal(told(204, { name: 'x' }), 'test GET /things/:id 1.1: 204 has a body')
  assert.equal(told(202), 'test GET /things/:id 1.1: 202 is not declared')
  assert.equal(told(404, {}), undefined)
})
