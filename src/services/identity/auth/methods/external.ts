import { Unauthorized } from '../../../../platform/errors.ts'
import { LoginRefused } from '../../errors.ts'
import { isShadowUser } from '../../store/federated-users.ts'
import { findUser, isUsable } from '../find.ts'
import type { AuthMethod } from '../method.ts'

/** The user whom a trusted proxy has authenticated (REMOTE_USER), in the domain that it names or the default one. */
export const external: AuthMethod = async (deps, _input, connection) => {
  const { remoteUser: name, remoteDomain } = deps.proxies.assertionOf(connection)
  if (name === undefined) throw new Unauthorized('No authenticated user')
  const domain = remoteDomain === undefined ? { id: deps.config.defaultDomainId } : { name: remoteDomain }
  const user = await findUser(deps, { name, domain })
  // The name that another identity provider gave somebody is not the name of this user.
  if (!user || (await isShadowUser(deps.database.db, user.id)) || !(await isUsable(deps, user)))
    throw new LoginRefused(`unable to look up the user ${JSON.stringify(name)} that a proxy has authenticated`)
  return { user, methods: ['external'] }
}
