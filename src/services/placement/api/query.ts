import type { Query } from '../../../platform/http/route.ts'
import type { ApiVersion } from '../../../platform/http/versions.ts'
import { BadValue } from '../errors.ts'

/** `VCPU:2,MEMORY_MB:512`. Throws BadValue. */
export function parseResources(text: string): Record<string, number> {
  const pairs = text.split(',').map((pair) => {
    const match = /^([A-Z0-9_]+):(\d+)$/.exec(pair.trim())
    if (!match || Number(match[2]) < 1)
      throw new BadValue(
        `Badly formed resources parameter. Expected resources query string parameter in form: ?resources=VCPU:2,MEMORY_MB:1024. Got: ${text}.`,
      )
    return [match[1]!, Number(match[2])] as const
  })
  return Object.fromEntries(pairs)
}

/** `required=A,!B` and, from 1.39, `required=in:A,B`. */
export function parseRequired(values: readonly string[], version: ApiVersion) {
  const required: string[][] = []
  const forbidden: string[] = []
  for (const value of values) {
    if (value.startsWith('in:') && version.has('any-traits')) {
      required.push(value.slice(3).split(','))
      continue
    }
    for (const trait of value.split(',')) {
      if (!/^!?[A-Z0-9_]+$/.test(trait))
        throw new BadValue(
          `Invalid query string parameters: Expected 'required' parameter value of the form: HW_CPU_X86_VMX,CUSTOM_MAGIC. Got: ${value}`,
        )
      if (trait.startsWith('!')) {
        if (!version.has('forbidden-traits'))
          throw new BadValue(`Invalid query string parameters: forbidden traits need version 1.22. Got: ${value}`)
        forbidden.push(trait.slice(1))
      } else required.push([trait])
    }
  }
  return { required, forbidden }
}

/** `member_of=<uuid>`, `in:<uuid>,<uuid>`, and from 1.32 `!…`. */
export function parseMemberOf(values: readonly string[]) {
  const memberOf: string[][] = []
  const notMemberOf: string[] = []
  for (const value of values) {
    const isForbidden = value.startsWith('!')
    const list = value.replace(/^!/, '').replace(/^in:/, '').split(',')
    if (list.some((each) => !/^[0-9a-f-]{36}$/i.test(each))) {
      throw new BadValue(
        `Invalid query string parameters: Expected 'member_of' parameter to contain valid UUID(s). Got: ${value}`,
      )
    }
    if (isForbidden) notMemberOf.push(...list)
    else memberOf.push(list)
  }
  return { memberOf, notMemberOf }
}

/** Refuses parameters that nobody would read. */
export function requireKnown(query: Query, known: readonly string[]) {
  const unknown = Object.keys(query).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new BadValue(
      `Invalid query string parameters: Additional properties are not allowed ('${unknown}' was unexpected)`,
    )
  }
}
