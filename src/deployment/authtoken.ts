/** What `[keystone_authtoken]` in a service's files says, and what the cloud itself has where it says nothing. */
import { Secret } from '../platform/auth/secret.ts'
import { authtokenOptions } from '../platform/config/authtoken.ts'
import { readOptions } from '../platform/config/config.ts'
import type { ServiceDefinition } from '../platform/service.ts'
import type { ServiceUser } from './service-account.ts'
import { readSecret } from './secrets.ts'
import { configFilesOf } from './service-files.ts'

const domainOf = (name: string, id: string) => (id === '' ? { name } : { id })

/** Throws ConfigError. */
export function readAuthtoken(stateDir: string, { type, codeName, user }: ServiceDefinition) {
  const values = readOptions(codeName, authtokenOptions, configFilesOf(stateDir, type))
  const own = (): ServiceUser => ({
    name: values.username || (user ?? ''),
    password: values.password === '' ? readSecret(stateDir, `user-${user ?? ''}`) : new Secret(values.password),
    domain: domainOf(values.userDomainName, values.userDomainId),
    project: { name: values.projectName, domain: domainOf(values.projectDomainName, values.projectDomainId) },
  })
  return {
    /** Keystone's address without its version; empty for this cloud's own. */
    keystone: values.authUrl.replace(/\/(v3|v2\.0)?\/?$/, ''),
    wwwAuthenticateUri: values.wwwAuthenticateUri,
    cacheS: values.tokenCacheTime,
    serviceTokens: { roles: values.serviceTokenRoles, isRequired: values.serviceTokenRolesRequired },
    own,
  }
}
