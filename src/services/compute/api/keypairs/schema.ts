import { Type } from 'typebox'
import { bodies } from '../../../../platform/http/schema.ts'
import { looseQuery, name, paging, strict, strictQuery, text } from '../parameter-types.ts'

const nameOf = (pattern: string) =>
  Type.Unsafe<string>({ allOf: [name, Type.String({ minLength: 1, maxLength: 255, pattern })] })
const first = { name: nameOf('^[_\\- a-zA-Z0-9]+$'), public_key: Type.Optional(Type.String()) }
const typed = { ...first, type: Type.Optional(Type.Enum(['ssh', 'x509'])) }
const forUser = { ...typed, user_id: Type.Optional(Type.String()) }
const body = <T extends typeof first>(properties: T) =>
  Type.Object({ keypair: Type.Object(properties, strict) }, strict)
const importOnly = Type.Object(
  { keypair: Type.Object({ ...forUser, name: nameOf('^[_\\-@. a-zA-Z0-9]+$'), public_key: Type.String() }, strict) },
  strict,
)

export const createBody = bodies(body(forUser), [
  ['initial', body(first)],
  ['keypair-type', body(typed)],
  ['keypair-user', body(forUser)],
  ['keypair-import-only', importOnly],
])

const ofUser = { user_id: text }
export const ownQuery = bodies(looseQuery(ofUser), [
  ['initial', looseQuery({})],
  ['keypair-user', looseQuery(ofUser)],
  ['cleanup', strictQuery(ofUser)],
])
export const listQuery = bodies(looseQuery(ofUser), [
  ['initial', looseQuery({})],
  ['keypair-user', looseQuery(ofUser)],
  ['keypair-paging', looseQuery({ ...ofUser, ...paging })],
  ['cleanup', strictQuery({ ...ofUser, ...paging })],
])
