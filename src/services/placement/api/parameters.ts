/** The small languages in query parameters: `resources`, `required`, `member_of`. */
import type { Query } from '../../../platform/http/route.ts'
import type { ApiVersion } from '../../../platform/http/versions.ts'
import { BadQuery } from '../errors.ts'
import { isUuidLike } from '../model/uuid.ts'
import type { Conditions } from '../model/provider.ts'

/** `VCPU:2,MEMORY_MB:512`. Throws BadQuery. */
export function parseResources(text: string): Record<string, number> {
  const form =
    'Badly formed resources parameter. Expected resources query string parameter in form: ?resources=VCPU:2,MEMORY_MB:1024. Got:'
  if (text.trim() === '') throw new BadQuery(`${form} empty string.`)
  const amounts = new Map<string, number>()
  for (const pair of text.split(',')) {
    const [name, amount, ...more] = pair.split(':')
    if (name === undefined || amount === undefined || more.length > 0) throw new BadQuery(`${form} ${pair}.`)
    amounts.set(name, parseAmount(name, amount))
  }
  return Object.fromEntries(amounts)
}

function parseAmount(name: string, text: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) {
    throw new BadQuery(`Requested resource ${name} expected positive integer amount. Got: ${text}.`)
  }
  const amount = Number(text)
  if (amount < 1) throw new BadQuery(`Requested resource ${name} requires amount >= 1. Got: ${amount}.`)
  return amount
}

type Traits = Pick<Conditions, 'required' | 'forbidden'>

/** All values of `required<suffix>`; before 1.39 the last one counts. Throws BadQuery. */
export function parseTraits(query: Query, name: string, version: ApiVersion): Traits {
  const all = query[name] ?? []
  const values = version.has('any-traits') ? all : all.slice(-1)
  const parsed = values.map((value) =>
    value.startsWith('in:') ? parseAnyOf(value, version) : parseAllOf(value, version),
  )
  return {
    required: parsed.flatMap((each) => each.required),
    forbidden: [...new Set(parsed.flatMap((each) => each.forbidden))],
  }
}

const problem = 'Invalid query string parameters:'
const anyForm = "'in:HW_CPU_X86_VMX,CUSTOM_MAGIC'"

/** `in:A,B`: one of them. */
function parseAnyOf(value: string, version: ApiVersion): Traits {
  if (!version.has('any-traits')) {
    throw new BadQuery(`${problem} The format ${anyForm} only supported since microversion 1.39. Got: ${value}`)
  }
  const traits = value
    .slice('in:'.length)
    .split(',')
    .map((trait) => trait.trim())
  if (traits.includes('')) {
    throw new BadQuery(
      `${problem} Expected 'required' parameter value of the form: in:HW_CPU_X86_VMX,CUSTOM_MAGIC. Got an empty trait in: ${value}`,
    )
  }
  if (traits.some((trait) => trait.startsWith('!'))) {
    throw new BadQuery(`${problem} The format ${anyForm} does not support forbidden traits. Got: ${value}`)
  }
  return { required: [[...new Set(traits)]], forbidden: [] }
}

/** `A,!B`: all of them, none of those with `!` (from 1.22). */
export function parseAllOf(value: string, version: ApiVersion): Traits {
  const mayForbid = version.has('forbidden-traits')
  const traits = value.split(',').map((trait) => trait.trim())
  const expected = `${problem} Expected 'required' parameter value of the form: HW_CPU_X86_VMX,${mayForbid ? '!' : ''}CUSTOM_MAGIC.`
  const forbidden = traits.filter((trait) => trait.startsWith('!')).map((trait) => trait.replace(/^!+/, ''))
  if ([...traits, ...forbidden].includes('')) throw new BadQuery(`${expected} Got an empty trait in: ${value}`)
  if (forbidden.length > 0 && !mayForbid) throw new BadQuery(`${expected} Got: ${value}`)
  return { required: traits.filter((trait) => !trait.startsWith('!')).map((trait) => [trait]), forbidden }
}

/** All values of `member_of<suffix>`. Throws BadQuery. */
export function parseMemberOf(
  query: Query,
  suffix: string,
  version: ApiVersion,
): Pick<Conditions, 'memberOf' | 'notMemberOf'> {
  const values = query[`member_of${suffix}`] ?? []
  if (values.length > 1 && !version.has('repeated-member-of')) {
    throw new BadQuery(`Multiple member_of${suffix} parameters are not supported`)
  }
  const memberOf: string[][] = []
  const notMemberOf: string[] = []
  for (const value of values) {
    const isForbidden = value.startsWith('!')
    const aggregates = parseAggregates(value)
    if (isForbidden && !version.has('forbidden-aggregates')) {
      throw new BadQuery(`Forbidden member_of${suffix} parameters are not supported in the specified microversion`)
    }
    if (isForbidden) notMemberOf.push(...aggregates)
    else memberOf.push(aggregates)
  }
  return { memberOf, notMemberOf }
}

/** `<uuid>`, `in:<uuid>,<uuid>`, both also with `!` before. */
function parseAggregates(value: string): string[] {
  const plain = value.replace(/^!/, '')
  if (value.includes(',') && !plain.startsWith('in:')) {
    throw new BadQuery(
      `Multiple values for 'member_of' must be prefixed with the 'in:' or '!in:' keyword using the valid microversion. Got: ${value}`,
    )
  }
  const aggregates = plain.replace(/^in:/, '').split(',')
  const wrong = aggregates.find((each) => !isUuidLike(each))
  if (wrong !== undefined) {
    throw new BadQuery(`${problem} Expected 'member_of' parameter to contain valid UUID(s). Got: ${wrong}`)
  }
  return aggregates
}
