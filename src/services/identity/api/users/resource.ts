import { Type } from 'typebox'
import { BadRequest } from '../../../../platform/http/errors.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict } from '../../errors.ts'
import { deleteUsers } from '../../operations/delete-domain.ts'
import { findRow, insertRow, updateRow, type Row } from '../../store/rows.ts'
import { hashPassword } from '../../tokens/passwords.ts'
import { domainIdFor, requireDomain } from '../projects/resource.ts'
import { extraOf, extras, newId, type Entity } from '../resource.ts'
import { kinds } from '../schema.ts'

const attributes = {
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
  options: Type.Optional(kinds.options),
  default_project_id: Type.Optional(kinds.optionalId),
  password: Type.Optional(kinds.nullableText),
}
const known = ['name', 'enabled', 'options', 'default_project_id', 'password', 'original_password', 'domain_id']

export const viewUser = (row: Row<'users'>) => ({
  ...extras(row),
  id: row.id,
  name: row.name,
  domain_id: row.domain_id,
  enabled: row.enabled === 1,
  default_project_id: row.default_project_id ?? undefined,
  password_expires_at:
    row.password_expires_at === null
      ? null
      : new Date(Number(row.password_expires_at)).toISOString().replace('Z', '000Z'),
  options: JSON.parse(row.options) as object,
})

/** The columns that a new password sets; every older token ends with it. */
export async function passwordColumns(deps: IdentityDeps, password: string) {
  if (password.length > deps.config.maxPasswordLength) {
    throw new BadRequest(
      `The password is longer than [identity] max_password_length = ${deps.config.maxPasswordLength}.`,
    )
  }
  return { password_hash: await hashPassword(password, deps.config.passwordHashRounds) }
}

const duplicate = (name: string, domainId: string) =>
  new IdentityConflict('user', `Duplicate entry found with name ${name} at domain ID ${domainId}`)

export const users: Entity<'users'> = {
  table: 'users',
  singular: 'user',
  plural: 'users',
  create: { name: kinds.name, domain_id: Type.Optional(kinds.id), ...attributes },
  update: { name: Type.Optional(kinds.name), domain_id: Type.Optional(kinds.id), ...attributes },
  filters: {
    name: { column: 'name' },
    domain_id: { column: 'domain_id' },
    enabled: { column: 'enabled', kind: 'boolean' },
  },
  view: viewUser,
  target: (row) => ({ user_id: row.id, target: { user: { id: row.id, domain_id: row.domain_id } } }),
  newTarget: (ctx, input) => ({ target: { user: { domain_id: domainIdFor(ctx, input) } } }),
  section: 'identity',
  ownDomain: 'domain_id',
  async insert(deps, input, ctx) {
    const domainId = domainIdFor(ctx, input)
    await requireDomain(deps, domainId)
    const password = input['password'] as string | null | undefined
    const row = {
      id: newId(),
      name: input['name'] as string,
      domain_id: domainId,
      default_project_id: (input['default_project_id'] as string | null | undefined) ?? null,
      enabled: input['enabled'] === false ? 0 : 1,
      options: JSON.stringify(input['options'] ?? {}),
      extra: extraOf(input, known),
      password_hash: password == null ? null : (await passwordColumns(deps, password)).password_hash,
      password_expires_at: null,
      tokens_valid_after: 0,
    }
    if (!(await insertRow(deps.database.db, 'users', row))) throw duplicate(row.name, domainId)
    return row
  },
  async change(deps, row, input) {
    if (input['domain_id'] !== undefined && input['domain_id'] !== row.domain_id) {
      throw new BadRequest('The domain of a user cannot be changed.')
    }
    const password = input['password'] as string | null | undefined
    const endsTokens = password != null || input['enabled'] === false
    const changes = {
      ...(input['name'] !== undefined && { name: input['name'] as string }),
      ...(input['enabled'] !== undefined && { enabled: input['enabled'] ? 1 : 0 }),
      ...(input['default_project_id'] !== undefined && {
        default_project_id: input['default_project_id'] as string | null,
      }),
      ...(input['options'] !== undefined && { options: JSON.stringify(input['options']) }),
      ...(password != null && (await passwordColumns(deps, password))),
      ...(endsTokens && { tokens_valid_after: Date.now() }),
      extra: extraOf(input, known, row.extra),
    }
    const result = await updateRow(deps.database.db, 'users', row.id, changes)
    if (result === 'taken') throw duplicate(String(input['name']), row.domain_id)
    return (await findRow(deps.database.db, 'users', { id: row.id }))!
  },
  remove: ({ database }, row) => database.transaction((tx) => deleteUsers(tx, [row.id])),
}
