import { orTaken } from '../../../../platform/db/rows.ts'
import { Type } from 'typebox'
import type { Context } from '../../../../platform/auth/context.ts'
import { Invalid } from '../../../../platform/errors.ts'
import { last } from '../../../../platform/http/route.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict } from '../../errors.ts'
import { changeUser } from '../../operations/change-user.ts'
import { deleteUsers } from '../../operations/delete.ts'
import {
  federatedObjectsOf,
  requireOwnProviders,
  setFederatedObjects,
  type FederatedObject,
} from '../../operations/federated-objects.ts'
import { policy } from '../../policies.ts'
import { federatedFilter, isShadowUser } from '../../store/federated-users.ts'
import { newUser } from '../../store/new-rows.ts'
import { findRow, insertRow, type Row } from '../../store/rows.ts'
import { isActive, passwordColumns } from '../../users/compliance.ts'
import { mergeOptions, optionsOf, userOptions } from '../../users/options.ts'
import { gatherDomain } from '../directory-listing.ts'
import { domainIdFor, requireDomain } from '../projects/resource.ts'
import { entity } from '../kit/entity.ts'
import { extraOf, extras } from '../kit/extra.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { kinds } from '../schema.ts'
import { isoMicros } from '../times.ts'
import { exactly, type Shown } from '../../../../platform/http/answers.ts'
import { boolean, nullableText, open, text } from '../answers.ts'

const attributes = {
  description: Type.Optional(kinds.description),
  enabled: Type.Optional(kinds.boolean),
  options: Type.Optional(userOptions),
  default_project_id: Type.Optional(kinds.optionalId),
  password: Type.Optional(kinds.nullableText),
  federated: Type.Optional(
    Type.Array(
      Type.Object({
        idp_id: Type.String({ maxLength: 64 }),
        protocols: Type.Array(
          Type.Object({ protocol_id: Type.String({ maxLength: 64 }), unique_id: Type.String({ maxLength: 255 }) }),
          { maxItems: 100 },
        ),
      }),
      { maxItems: 100 },
    ),
  ),
}
const known = [
  'name',
  'enabled',
  'options',
  'default_project_id',
  'password',
  'original_password',
  'domain_id',
  'federated',
]

const userAnswer = open({
  id: text,
  name: text,
  domain_id: text,
  enabled: boolean,
  default_project_id: Type.Optional(text),
  password_expires_at: nullableText,
  options: Type.Record(text, Type.Unknown()),
})
const federatedAnswer = Type.Array(
  exactly({ idp_id: text, protocols: Type.Array(exactly({ protocol_id: text, unique_id: text })) }),
)

export const viewUser = (row: Row<'users'>, { config }: Pick<IdentityDeps, 'config'>): Shown<typeof userAnswer> => ({
  ...extras(row),
  id: row.id,
  name: row.name,
  domain_id: row.domain_id,
  enabled: isActive(config, row),
  default_project_id: row.default_project_id ?? undefined,
  password_expires_at: row.password_expires_at === null ? null : isoMicros(Number(row.password_expires_at)),
  options: { ...optionsOf(row) },
})

const duplicate = (name: string, domainId: string) =>
  new IdentityConflict('user', `Duplicate entry found with name ${name} at domain ID ${domainId}`)

/** A default project that is a domain would make every login fail. */
async function requireNoDomain({ database: { db } }: IdentityDeps, projectId: string | null | undefined) {
  if (projectId == null) return
  const project = await findRow(db, 'projects', { id: projectId })
  if (project?.is_domain === 1) throw new Invalid("User's default project ID cannot be a domain ID: " + projectId)
}

/** Who lives in a directory is changed there; users of identity providers live here, whatever their domain. */
async function requireLocal({ database: { db }, residents }: IdentityDeps, row: Row<'users'>) {
  if (!(await isShadowUser(db, row.id))) await residents.requireWritable(row.domain_id)
}

/** The right to a domain's users is none to the identity providers of others. */
async function requireProviders(deps: IdentityDeps, ctx: Context, user: Row<'users'>, objects?: FederatedObject[]) {
  if (objects && !ctx.can(policy('update_identity_provider')))
    await requireOwnProviders(deps.database.db, user, objects)
}

export const users = entity({
  table: 'users',
  singular: 'user',
  answer: userAnswer,
  expansion: { federated: Type.Optional(federatedAnswer) },
  plural: 'users',
  filters: {
    name: { column: 'name' },
    domain_id: { column: 'domain_id' },
    enabled: { column: 'enabled', kind: 'boolean' },
  },
  conditions(query) {
    const columns = (['idp_id', 'protocol_id', 'unique_id'] as const).flatMap((name) => {
      const value = last(query, name)
      return value === undefined ? [] : [[name, value] as const]
    })
    return columns.length === 0 ? [] : [federatedFilter(Object.fromEntries(columns))]
  },
  view: viewUser,
  async expand(row, { database }) {
    const federated = await federatedObjectsOf(database.db, row.id)
    return federated.length === 0 ? {} : { federated }
  },
  target: (row) => ({ user_id: row.id, target: { user: { id: row.id, domain_id: row.domain_id } } }),
  section: 'identity',
  refresh: ({ residents }, id) => residents.refreshUser(id),
  gather: (deps, request) => gatherDomain(deps, request, 'users'),
  ownDomain: 'domain_id',
})

export const userEntityRoutes = [
  ...readRoutes(users),
  createRoute(users, {
    schema: Type.Object({ name: kinds.name, domain_id: Type.Optional(kinds.id), ...attributes }),
    // As in keystone: a domain's manager names his domain, what is not said is no fact for the rule.
    target: (_db, input) => ({ target: { user: { domain_id: input.domain_id } } }),
    async insert(_db, deps, input, _params, ctx) {
      const domainId = domainIdFor(ctx, input)
      await requireDomain(deps, domainId)
      await deps.residents.requireWritable(domainId)
      const password = input.password
      const options = mergeOptions('{}', input.options)
      const default_project_id = input.default_project_id ?? null
      await requireNoDomain(deps, default_project_id)
      const row = newUser({
        name: input.name,
        domain_id: domainId,
        default_project_id,
        enabled: input.enabled === false ? 0 : 1,
        options,
        extra: extraOf(input, known),
        ...(password != null && (await passwordColumns(deps, password, 'administrator', optionsOf({ options })))),
      })
      const federated = input.federated
      await requireProviders(deps, ctx, row, federated)
      await deps.database.transaction(async (tx) => {
        if (!(await insertRow(tx, 'users', row))) throw duplicate(row.name, domainId)
        if (federated) await setFederatedObjects(tx, row, federated)
      })
      return row
    },
  }),
  updateRoute(users, {
    schema: Type.Object(
      { name: Type.Optional(kinds.name), domain_id: Type.Optional(kinds.id), ...attributes },
      { minProperties: 1 },
    ),
    async apply(_db, deps, row, input, ctx) {
      if (input.domain_id !== undefined && input.domain_id !== row.domain_id)
        throw new Invalid('Cannot change Domain ID')
      await requireLocal(deps, row)
      const changes = { ...input, extra: extraOf(input, known, row.extra) }
      await requireNoDomain(deps, changes.default_project_id)
      const federated = input.federated
      await requireProviders(deps, ctx, row, federated)
      const change = changeUser(deps, row, changes, async (tx) => {
        if (federated) await setFederatedObjects(tx, row, federated)
      })
      if ((await orTaken(change)) === 'taken') throw duplicate(String(input.name), row.domain_id)
    },
  }),
  removeRoute(users, async (_db, deps, row) => {
    await requireLocal(deps, row)
    await deps.database.transaction((tx) => deleteUsers(tx, [row.id]))
  }),
]
