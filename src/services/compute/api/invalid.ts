import type { ServiceError } from '../../../platform/errors.ts'
import { pythonRepr, type Problem } from '../../../platform/http/schema.ts'
import { Invalid } from '../errors.ts'
import { meanings } from './parameter-types.ts'

/** A schema problem in nova's sentences, with the whole way to the field. */
export function invalid({ path, keyword, message }: Problem, where: 'body' | 'query'): ServiceError {
  if (path.length === 0) return new Invalid(message)
  const field = where === 'query' ? path[0]! : path.join('/')
  const pattern = keyword === 'pattern' && Object.keys(meanings).find((each) => message.endsWith(pythonRepr(each)))
  if (pattern)
    return new Invalid(`An invalid '${field}' value was provided. The ${field} must be: ${meanings[pattern]}`)
  const what = where === 'query' ? 'query parameters' : 'field/attribute'
  return new Invalid(`Invalid input for ${what} ${field}. ${message}`)
}
