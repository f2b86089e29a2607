import { Type, type TObject, type TProperties } from 'typebox'
import type { Context } from '../../../platform/auth/context.ts'
import { Forbidden } from '../../../platform/http/errors.ts'

const id = Type.String({ minLength: 1, maxLength: 255 })

/** Attribute types that neutron's resources share. */
export const kinds = {
  name: Type.String({ maxLength: 255 }),
  boolean: Type.Boolean(),
  id,
  uuid: Type.String({ pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$' }),
  owner: { project_id: Type.Optional(id), tenant_id: Type.Optional(id) },
  nullableText: Type.Union([Type.Null(), Type.String({ maxLength: 255 })]),
  /** Labels of letters, digits and hyphens: they end up in the files of dnsmasq. */
  dnsName: Type.String({
    maxLength: 255,
    pattern: '^$|^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\\.?$',
  }),
  dnsDomain: Type.String({
    maxLength: 255,
    pattern: '^$|^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\\.?$',
  }),
  mac: Type.String({ pattern: '^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$' }),
}

/** The body of a creation: one resource, or a list of them that is made as a whole or not at all. */
export const oneOrMany = <P extends TProperties>(singular: string, schema: TObject<P>) =>
  Type.Object(
    {
      [singular]: Type.Optional(schema),
      [`${singular}s`]: Type.Optional(Type.Array(schema, { minItems: 1, maxItems: 1000 })),
    },
    { minProperties: 1, maxProperties: 1, additionalProperties: false },
  )

/** What a body of `oneOrMany` asks for. */
export function itemsOf<Item>(body: unknown, singular: string): { inputs: Item[]; isBulk: boolean } {
  const parts = body as Record<string, unknown>
  const many = parts[`${singular}s`] as Item[] | undefined
  return many === undefined ? { inputs: [parts[singular] as Item], isBulk: false } : { inputs: many, isBulk: true }
}

/** The project that a new resource belongs to; only services and administrators name another one than their own. */
export function ownerOf(ctx: Context, input: { project_id?: string; tenant_id?: string }): string {
  const asked = input.project_id ?? input.tenant_id
  if (asked === undefined || asked === ctx.projectId) return ctx.projectId ?? ''
  if (!ctx.isAdmin && !ctx.roles.includes('service'))
    throw new Forbidden('Specifying a project_id of another project is not allowed.', { code: 'AdminRequired' })
  return asked
}
