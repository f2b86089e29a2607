import { Type } from 'typebox'
import { exactly, since } from '../../../../platform/http/answers.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { number, pageLinks, text as shownText } from '../answers.ts'
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
export const listQuery = bodies(looseQuery({ ...ofUser, ...paging }), [
  ['initial', looseQuery({})],
  ['keypair-user', looseQuery(ofUser)],
  ['keypair-paging', looseQuery({ ...ofUser, ...paging })],
  ['cleanup', strictQuery({ ...ofUser, ...paging })],
])

const shown = {
  name: shownText,
  public_key: shownText,
  fingerprint: shownText,
  type: since('keypair-type', shownText),
}
export const listAnswer = exactly({
  keypairs: Type.Array(exactly({ keypair: exactly(shown) })),
  keypairs_links: since('keypair-paging', pageLinks),
})
/** The private key of a keypair is here only, where nova made it. */
export const madeAnswer = exactly({
  keypair: exactly({ ...shown, user_id: shownText, private_key: Type.Optional(shownText) }),
})
export const showAnswer = exactly({
  keypair: exactly({
    ...shown,
    user_id: shownText,
    id: number,
    created_at: Type.Union([shownText, Type.Null()]),
    deleted: Type.Boolean(),
    deleted_at: Type.Null(),
    updated_at: Type.Null(),
  }),
})
