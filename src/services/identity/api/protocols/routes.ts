import { Type } from 'typebox'
import { Invalid } from '../../../../platform/errors.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityConflict, ProtocolNotFound } from '../../errors.ts'
import { deleteUsers } from '../../operations/delete.ts'
import { requireIdentityProvider } from '../../operations/identity-providers.ts'
import { changeProtocol, forgetFederatedUsers, listProtocols, type Protocol } from '../../store/federation.ts'
import { deleteRows, findRow, insertRow } from '../../store/rows.ts'
import { namedEntity, selfLink } from '../kit/entity.ts'
import { createRoute, readRoutes, removeRoute, updateRoute } from '../kit/resource.ts'
import { nullableString } from '../federation/schema.ts'
import { exactly } from '../../../../platform/http/answers.ts'
import { nullableText, text } from '../answers.ts'

const idps = '/OS-FEDERATION/identity_providers'
const path = `${idps}/:idp_id/protocols` as const
const mappingId = Type.String({ minLength: 1, maxLength: 64 })

async function requireMapping({ database: { db } }: IdentityDeps, id: string): Promise<string> {
  if (!(await findRow(db, 'mappings', { id }))) throw new Invalid(`Invalid mapping id: ${id}`)
  return id
}

const protocols = namedEntity<Protocol>({
  singular: 'protocol',
  plural: 'protocols',
  path,
  answer: exactly({ id: text, idp_id: text, mapping_id: text, remote_id_attribute: nullableText }),
  linksAnswer: exactly({ self: text, identity_provider: text }),
  links(row, baseUrl) {
    const idp = selfLink(baseUrl, idps, row.idp_id)
    return { self: `${idp}/protocols/${encodeURIComponent(row.id)}`, identity_provider: idp }
  },
  list: async (deps, _query, { idp_id: idpId = '' }) => {
    const idp = await requireIdentityProvider(deps, idpId)
    return listProtocols(deps.database.db, idp.id)
  },
  find: (db, { idp_id: idpId = '', id = '' }) => findRow(db, 'federation_protocols', { idp_id: idpId, id }),
  notFound: ({ idp_id: idpId = '', id = '' }) => new ProtocolNotFound(id, idpId),
  view: ({ id, idp_id, mapping_id, remote_id_attribute }) => ({ id, idp_id, mapping_id, remote_id_attribute }),
})

export const protocolRoutes = [
  ...readRoutes(protocols),
  createRoute(protocols, {
    schema: exactly({ mapping_id: mappingId, remote_id_attribute: Type.Optional(nullableString(64)) }),
    async insert(_db, deps, input, { idp_id: idpId = '', id = '' }) {
      const idp = await requireIdentityProvider(deps, idpId)
      const row = {
        id,
        idp_id: idp.id,
        mapping_id: await requireMapping(deps, input.mapping_id),
        remote_id_attribute: input.remote_id_attribute ?? null,
      }
      if (!(await insertRow(deps.database.db, 'federation_protocols', row))) {
        throw new IdentityConflict('federation_protocol', `Duplicate entry found with ID ${row.id}`)
      }
      return row
    },
  }),
  updateRoute(protocols, {
    schema: exactly({ mapping_id: mappingId, remote_id_attribute: Type.Optional(Type.String({ maxLength: 64 })) }),
    async apply(_db, deps, row, input) {
      await changeProtocol(deps.database.db, row, {
        mapping_id: await requireMapping(deps, input.mapping_id),
        ...(input.remote_id_attribute !== undefined && { remote_id_attribute: input.remote_id_attribute }),
      })
    },
  }),
  removeRoute(protocols, (_db, { database }, { idp_id: idpId, id }) =>
    database.transaction(async (tx) => {
      await deleteRows(tx, 'federation_protocols', { idp_id: idpId, id })
      await deleteUsers(tx, await forgetFederatedUsers(tx, idpId, id))
    }),
  ),
]
