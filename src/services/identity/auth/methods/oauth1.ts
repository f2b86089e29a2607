import { Invalid, NotFound, Unauthorized } from '../../../../platform/errors.ts'
import { oauthParamsOf, requireParam, requireSignature } from '../../operations/oauth1.ts'
import { findAccessToken } from '../../store/oauth1.ts'
import { findRow } from '../../store/rows.ts'
import { AuthFailed } from '../../errors.ts'
import { isUsable } from '../find.ts'
import type { AuthMethod } from '../method.ts'

/**
 * A request that a consumer has signed with the access token that a user gave it (OAuth 1.0a). The token is for the
 * project that the user agreed to, with the roles that he agreed to, and ends with the access token.
 */
export const oauth1: AuthMethod = async (deps, _input, { headers, path, scope }) => {
  const request = { headers, path }
  const params = oauthParamsOf(request)
  const id = requireParam(params, 'oauth_token')
  const access = await findAccessToken(deps.database.db, id)
  if (!access) throw new NotFound('Access token not found')
  const consumer = await findRow(deps.database.db, 'consumers', { id: access.consumer_id })
  if (!consumer || params.get('oauth_consumer_key') !== consumer.id)
    throw new Unauthorized('Could not validate the access token')
  const secrets = { client: consumer.secret, token: access.secret }
  requireSignature(deps, request, params, secrets, 'Could not validate the access token')
  if (scope !== undefined && !isFor(scope, access.project_id))
    throw new Invalid('An OAuth access token is for the project that it was authorized for.')
  const user = await findRow(deps.database.db, 'users', { id: access.authorizing_user_id })
  if (!user || !(await isUsable(deps, user))) throw new AuthFailed()
  return {
    user,
    methods: ['oauth1'],
    ...(access.expires_at !== null && { expiresAt: Number(access.expires_at) }),
    accessTokenId: access.id,
    fixedScope: { kind: 'project', projectId: access.project_id },
  }
}

const isFor = (scope: object | string, projectId: string): boolean =>
  typeof scope === 'object' && (scope as { project?: { id?: string } }).project?.id === projectId
