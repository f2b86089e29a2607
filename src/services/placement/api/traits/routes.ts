import { Invalid } from '../../../../platform/errors.ts'
import { last, type Query } from '../../../../platform/http/route.ts'
import { BadQuery, TraitsNotFound } from '../../errors.ts'
import { isStandardTrait, standardTraits } from '../../model/standard-traits.ts'
import { ensureTrait, removeTrait } from '../../operations/traits.ts'
import { findCustomTraits, listCustomTraits, listUsedTraits } from '../../store/traits.ts'
import { endpoint } from '../endpoint.ts'
import { cacheHeaders, latest } from '../headers.ts'
import { listAnswer, listQuery } from './schema.ts'

const since = 'traits'
const customName = /^CUSTOM_[A-Z0-9_]+$/

const list = endpoint({
  method: 'GET',
  path: '/traits',
  since,
  policy: 'traits:list',
  query: listQuery,
  answer: { 200: listAnswer },
  async handle({ query, version }, { database: { db } }) {
    const matches = parseNames(last(query, 'name'))
    const associated = parseAssociated(query)
    const custom = (await listCustomTraits(db)).filter((trait) => matches(trait.name))
    let names = [...standardTraits.filter(matches), ...custom.map((trait) => trait.name)]
    if (associated !== undefined) {
      const used = new Set(await listUsedTraits(db))
      names = names.filter((name) => used.has(name) === associated)
    }
    const headers = cacheHeaders(version, latest(custom.map((trait) => Number(trait.created_at))))
    return { status: 200, headers, body: { traits: names } }
  },
})

/** `in:A,B` or `startswith:A`. Throws BadQuery. */
function parseNames(text: string | undefined): (name: string) => boolean {
  if (text === undefined) return () => true
  const colon = text.indexOf(':')
  if (colon < 0) {
    throw new BadQuery(
      `Badly formatted name parameter. Expected name query string parameter in form: ?name=[in|startswith]:[name1,name2|prefix]. Got: "${text}"`,
    )
  }
  const [operator, value] = [text.slice(0, colon), text.slice(colon + 1)]
  if (operator === 'in') return (name) => value.split(',').includes(name)
  return operator === 'startswith' ? (name) => name.startsWith(value) : () => true
}

function parseAssociated(query: Query): boolean | undefined {
  const text = last(query, 'associated')?.toLowerCase()
  if (text === undefined) return undefined
  if (text !== 'true' && text !== 'false') {
    throw new BadQuery('The query parameter "associated" only accepts "true" or "false"')
  }
  return text === 'true'
}

const show = endpoint({
  method: 'GET',
  path: '/traits/:name',
  since,
  policy: 'traits:show',
  answer: { 204: null },
  async handle({ params, version }, { database: { db } }) {
    const name = params.name
    const [custom] = await findCustomTraits(db, [name])
    if (!custom && !isStandardTrait(name)) throw new TraitsNotFound([name])
    return { status: 204, headers: cacheHeaders(version, Number(custom?.created_at ?? 0)) }
  },
})

const put = endpoint({
  method: 'PUT',
  path: '/traits/:name',
  since,
  policy: 'traits:update',
  answer: { 201: null, 204: null },
  async handle({ params, version, baseUrl }, deps) {
    const name = params.name
    if (!customName.test(name) || name.length > 255) {
      throw new Invalid(
        'The trait is invalid. A valid trait must be no longer than 255 characters, start with the prefix "CUSTOM_" and use following characters: "A"-"Z", "0"-"9" and "_"',
      )
    }
    const isNew = await ensureTrait(deps, name)
    const headers = { Location: `${baseUrl}/traits/${name}`, ...cacheHeaders(version) }
    return { status: isNew ? 201 : 204, headers }
  },
})

const remove = endpoint({
  method: 'DELETE',
  path: '/traits/:name',
  since,
  policy: 'traits:delete',
  answer: { 204: null },
  async handle({ params }, deps) {
    const name = params.name
    if (isStandardTrait(name)) throw new Invalid(`Cannot delete standard trait ${name}.`)
    await removeTrait(deps, name)
    return { status: 204 }
  },
})

export const traitRoutes = [list, show, put, remove]
