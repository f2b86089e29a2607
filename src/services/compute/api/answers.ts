/** What answers of several resources are made of. */
import { Type } from 'typebox'
import { exactly } from '../../../platform/http/answers.ts'

export const text = Type.String()
export const number = Type.Integer()
export const texts = Type.Array(text)
export const textByName = Type.Record(text, text)
export const links = Type.Array(exactly({ rel: text, href: text }))
/** The link to the next page, where there is one. */
export const pageLinks = Type.Optional(links)
/** Of services and hypervisors: a number until 2.53, a uuid since. */
export const numberOrUuid = Type.Union([number, text])
