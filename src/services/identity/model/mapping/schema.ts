/** What a mapping may say, by version: 2.0 adds the domain of a project, 3.0 projects as JSON in an attribute. */
import { Type, type TSchema } from 'typebox'
import type { SchemaVersion } from './types.ts'

const closed = { additionalProperties: false }
const text = Type.String()
const domain = Type.Object({ id: Type.Optional(text), name: Type.Optional(text) }, closed)
const roles = Type.Array(Type.Object({ name: text }, closed))

const user = Type.Object(
  {
    id: Type.Optional(text),
    name: Type.Optional(text),
    email: Type.Optional(text),
    domain: Type.Optional(domain),
    type: Type.Optional(Type.Enum(['ephemeral', 'local'])),
  },
  closed,
)
const group = Type.Union([Type.Object({ id: text }, closed), Type.Object({ name: text, domain }, closed)])

const list = Type.Array(text)
const regex = Type.Optional(Type.Boolean())
const condition = Type.Union([
  Type.Object({ type: text }, closed),
  Type.Object({ type: text, any_one_of: list, regex }, closed),
  Type.Object({ type: text, not_any_of: list, regex }, closed),
  Type.Object({ type: text, blacklist: list, regex }, closed),
  Type.Object({ type: text, whitelist: list, regex }, closed),
])

function rulesOf(version: SchemaVersion): TSchema {
  const project = Type.Object(
    { name: text, roles, ...(version !== '1.0' && { domain: Type.Optional(domain) }) },
    closed,
  )
  const local = Type.Object(
    {
      user: Type.Optional(user),
      projects: Type.Optional(Type.Array(project)),
      ...(version === '3.0' && { projects_json: Type.Optional(text) }),
      group: Type.Optional(group),
      groups: Type.Optional(text),
      group_ids: Type.Optional(text),
      domain: Type.Optional(domain),
    },
    closed,
  )
  const rule = Type.Object({ local: Type.Array(local), remote: Type.Array(condition, { minItems: 1 }) }, closed)
  return Type.Object({ rules: Type.Array(rule, { minItems: 1 }) })
}

/** Schemas of a mapping's rules. */
export const ruleSchemas: Readonly<Record<SchemaVersion, TSchema>> = {
  '1.0': rulesOf('1.0'),
  '2.0': rulesOf('2.0'),
  '3.0': rulesOf('3.0'),
}
