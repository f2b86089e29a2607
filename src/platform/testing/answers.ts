/**
 * Importing this holds every answer that a test's program gives to the schema that its route declares: the file's tests
 * fail at their end with the routes and fields that differ.
 */
import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { after } from 'node:test'
import { answerAt } from '../http/answers.ts'
import { answered, type Answered } from '../http/app.ts'
import { findProblem } from '../http/schema.ts'

const complaints = new Set<string>()

/** In what an answer differs from what its route declares; undefined for nothing, and for routes that declare none. */
export function complaintOf({ definition, route, version, response }: Answered): string | undefined {
  const { status, body } = response
  // Refusals have the service's own form, unless a route declares another.
  if (!route.answer || (status >= 400 && route.answer[status] === undefined)) return undefined
  const where = `${definition.type} ${route.method} ${route.path} ${version.text}`.trimEnd()
  const schema = answerAt(route, status, version, definition.microversions?.table)
  if (schema === undefined) return `${where}: ${status} is not declared`
  if (schema === null) return body === undefined ? undefined : `${where}: ${status} has a body`
  if (typeof schema === 'string') return undefined
  const problem = findProblem(schema, body === undefined ? undefined : JSON.parse(JSON.stringify(body)))
  return problem && `${where}: ${status} ${['body', ...problem.path].join('.')}: ${problem.message}`
}

subscribe(answered.name, (message) => {
  const complaint = complaintOf(message as Answered)
  if (complaint !== undefined) complaints.add(complaint)
})

after(() => assert.deepEqual([...complaints], [], 'answers differ from what their routes declare'))
