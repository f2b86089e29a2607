import { Type } from 'typebox'
import { Invalid } from '../../../../platform/errors.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, ProtocolNotFound } from '../../errors.ts'
import { deleteUsers } from '../../operations/delete.ts'
import { requireIdentityProvider } from '../../operations/identity-providers.ts'
import { forgetFederatedUsers, listProtocols, type Protocol } from '../../store/federation.ts'
import { findRow, insertRow } from '../../store/rows.ts'
import { namedEntity, selfLink, type Attributes } from '../federation/entity.ts'
import { nullableString, wrapped } from '../federation/schema.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { nullableText, text } from '../answers.ts'

const idps = '/OS-FEDERATION/identity_providers'
const path = `${idps}/:idp_id/protocols` as const
const mappingId = Type.String({ minLength: 1, maxLength: 64 })

async function requireMapping({ database: { db } }: IdentityDeps, input: Attributes): Promise<string> {
  const id = input['mapping_id'] as string
  if (!(await findRow(db, 'mappings', { id }))) throw new Invalid(`Invalid mapping id: ${id}`)
  return id
}

function viewProtocol(row: Protocol, baseUrl: string) {
  const idp = selfLink(baseUrl, idps, row.idp_id)
  return {
    id: row.id,
    idp_id: row.idp_id,
    mapping_id: row.mapping_id,
    remote_id_attribute: row.remote_id_attribute,
    links: { self: `${idp}/protocols/${encodeURIComponent(row.id)}`, identity_provider: idp },
  }
}

const answer = exactly({
  id: text,
  idp_id: text,
  mapping_id: text,
  remote_id_attribute: nullableText,
  links: exactly({ self: text, identity_provider: text }),
})

export const protocolRoutes = namedEntity<Protocol, typeof path>({
  singular: 'protocol',
  answer,
  plural: 'protocols',
  path,
  createBody: wrapped('protocol', { mapping_id: mappingId, remote_id_attribute: Type.Optional(nullableString(64)) }),
  updateBody: wrapped('protocol', {
    mapping_id: mappingId,
    remote_id_attribute: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  list: async (deps, _query, params) => {
    const idp = await requireIdentityProvider(deps, params.idp_id)
    return listProtocols(deps.database.db, idp.id)
  },
  async find({ database: { db } }, params) {
    const { idp_id: idpId, id } = params
    const row = await findRow(db, 'federation_protocols', { idp_id: idpId, id })
    if (!row) throw new ProtocolNotFound(id, idpId)
    return row
  },
  async create(deps, params, input) {
    const idp = await requireIdentityProvider(deps, params.idp_id)
    const row = {
      id: params.id,
      idp_id: idp.id,
      mapping_id: await requireMapping(deps, input),
      remote_id_attribute: (input['remote_id_attribute'] as string | null | undefined) ?? null,
    }
    if (!(await insertRow(deps.database.db, 'federation_protocols', row))) {
      throw new IdentityConflict('federation_protocol', `Duplicate entry found with ID ${row.id}`)
    }
    return row
  },
  async change(deps, row, input) {
    const changes = {
      mapping_id: await requireMapping(deps, input),
      ...(input['remote_id_attribute'] !== undefined && {
        remote_id_attribute: input['remote_id_attribute'] as string,
      }),
    }
    await deps.database.db
      .updateTable('federation_protocols')
      .set(changes)
      .where('idp_id', '=', row.idp_id)
      .where('id', '=', row.id)
      .execute()
    return { ...row, ...changes }
  },
  remove: ({ database }, row) =>
    database.transaction(async (tx) => {
      await tx.deleteFrom('federation_protocols').where('idp_id', '=', row.idp_id).where('id', '=', row.id).execute()
      await deleteUsers(tx, await forgetFederatedUsers(tx, row.idp_id, row.id))
    }),
  view: viewProtocol,
})
