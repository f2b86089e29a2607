/** Schema problems in the words of Python's jsonschema, as clients of placement see them. */
import type { TSchema } from 'typebox'
import { Invalid } from '../../../platform/errors.ts'
import { findProblem, pythonRepr, type Problem } from '../../../platform/http/schema.ts'

/** The answer to a problem. */
export function invalid(problem: Problem, where: 'body' | 'query'): Invalid {
  const what = where === 'body' ? 'JSON does not validate' : 'Invalid query string parameters'
  return new Invalid(`${what}: ${problem.message}\n\n${explain(problem)}`)
}

/** Throws the same for a value that did not come in a body. */
export function requireValid(schema: TSchema, value: unknown): void {
  const problem = findProblem(schema, value)
  if (problem) throw invalid(problem, 'body')
}

const explain = ({ keyword, schemaPath, path, value }: Problem): string =>
  `Failed validating '${keyword}' in schema${indices(schemaPath)}\n\nOn instance${indices(path)}:\n    ${pythonRepr(value)}`

const indices = (path: readonly string[]): string =>
  path.map((key) => `[${/^\d+$/.test(key) ? key : `'${key}'`}]`).join('')
