import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PolicyEnforcer } from '../../platform/auth/policy.ts'
import { loadConfig } from '../../platform/config/config.ts'
import { openDatabase } from '../../platform/db/database.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { createApp } from '../../platform/http/app.ts'
import { BadRequest, reasonOf, type ApiError } from '../../platform/http/errors.ts'
import type { Route } from '../../platform/http/route.ts'
import type { ApiDefinition, Authenticator } from '../../platform/http/service.ts'
import type { RunningService, ServiceEnv } from '../../platform/service.ts'
import { accessRuleRoutes } from './api/access-rules/routes.ts'
import { credentialRoutes } from './api/credentials/routes.ts'
import { ec2CredentialRoutes } from './api/ec2/credentials.ts'
import { signatureRoutes } from './api/ec2/tokens.ts'
import { revocationRoutes } from './api/revocation/routes.ts'
import { trustRoutes } from './api/trusts/routes.ts'
import { applicationCredentialRoutes } from './api/application-credentials/routes.ts'
import { grantRoutesOfAll } from './api/assignments/grants.ts'
import { listAssignments } from './api/assignments/list.ts'
import { authRoutes } from './api/auth/routes.ts'
import { catalogRoutes } from './api/catalog.ts'
import { domains } from './api/domains/resource.ts'
import { federationRoutes } from './api/federation/routes.ts'
import { groupRoutes } from './api/groups/routes.ts'
import { limitRoutes } from './api/limits/routes.ts'
import { projectRoutes } from './api/projects/routes.ts'
import { resource } from './api/resource.ts'
import { impliedRoutes } from './api/roles/implied.ts'
import { roles } from './api/roles/resource.ts'
import { tokenRoutes } from './api/tokens/routes.ts'
import { userRoutes } from './api/users/routes.ts'
import { versionRoutes } from './api/versions/routes.ts'
import { CredentialVault } from './credentials/vault.ts'
import { Receipts } from './auth/receipts.ts'
import { options } from './config.ts'
import type { IdentityDeps } from './deps.ts'
import { bootstrap, type BootstrapInput } from './operations/bootstrap.ts'
import { forgetOldRevocations } from './operations/revoke.ts'
import { policies } from './policies.ts'
import { initial } from './store/migrations/0001-initial.ts'
import { federation } from './store/migrations/0003-federation.ts'
import type { IdentitySchema } from './store/tables.ts'
import { fernetFormat, jwsFormat, type TokenFormat } from './tokens/format.ts'
import { setUpKeyPair, setUpKeys } from './tokens/key-repository.ts'
import { TokenProvider } from './tokens/provider.ts'

export const definition: ApiDefinition = {
  type: 'identity',
  basePaths: ['/v3'],
  envelope: (error: ApiError) => ({
    error: { code: error.status, message: error.message, title: reasonOf(error.status) },
  }),
  invalid: ({ path, message }) =>
    new BadRequest(
      path.length === 0 ? message : `Invalid input for field '${path.slice(1).join('/') || path[0]}': ${message}`,
    ),
}

export const routes: readonly Route<IdentityDeps>[] = [
  ...tokenRoutes,
  ...authRoutes,
  ...resource(domains),
  ...projectRoutes,
  ...userRoutes,
  ...groupRoutes,
  ...resource(roles),
  ...impliedRoutes,
  ...grantRoutesOfAll,
  listAssignments,
  ...catalogRoutes,
  ...applicationCredentialRoutes,
  ...limitRoutes,
  ...accessRuleRoutes,
  ...trustRoutes,
  ...credentialRoutes,
  ...ec2CredentialRoutes,
  ...signatureRoutes,
  ...revocationRoutes,
  ...federationRoutes,
] as readonly Route<IdentityDeps>[]

export interface IdentityService extends RunningService {
  /** Validates tokens inside this process: a token that was seen costs no query, a revocation counts at once. */
  readonly authenticator: Authenticator
  bootstrap(input: BootstrapInput): Promise<void>
}

/** Keystone. Throws when the key repository or the database cannot be used. */
export async function createIdentityService(env: ServiceEnv): Promise<IdentityService> {
  mkdirSync(env.stateDir, { recursive: true, mode: 0o700 })
  const config = loadConfig(options, env.configFiles)
  const database = openDatabase<IdentitySchema>(config.connection || env.databaseUrl)
  await migrate(database, [initial, federation])
  const receiptKeys = keysAt(env, config.receiptKeyRepository, 'fernet-receipt-keys')
  const credentialKeys = keysAt(env, config.credentialKeyRepository, 'credential-keys')
  const tokens = new TokenProvider(database, formatOf(env, config))
  const authenticator: Authenticator = { validate: (token) => tokens.credentials(token) }
  const deps: IdentityDeps = {
    database,
    config,
    tokens,
    receipts: new Receipts(receiptKeys, config.authMethods),
    vault: new CredentialVault(credentialKeys),
    log: env.log,
    baseUrl: env.baseUrl,
    changed: () => tokens.changed(),
  }
  const denial = (denied: { name: string }) => `You are not authorized to perform the requested action: ${denied.name}.`
  const app = createApp({
    definition,
    routes,
    rootRoutes: versionRoutes as readonly Route<IdentityDeps>[],
    deps,
    enforcer: new PolicyEnforcer(policies, env.policyOverrides, denial),
    authenticator,
    log: env.log,
    baseUrl: env.baseUrl,
    authUrl: env.authUrl,
  })
  return {
    apps: { identity: app },
    authenticator,
    bootstrap: (input) => bootstrap(deps, input),
    async start() {
      await forgetOldRevocations(deps)
    },
    stop: () => database.close(),
  }
}

/** A key repository: the configured one, which must be there, or one in the state directory, which is made. */
function keysAt(env: ServiceEnv, configured: string, name: string): string {
  const folder = configured || join(env.stateDir, name)
  if (configured === '') setUpKeys(folder)
  return folder
}

function formatOf(env: ServiceEnv, config: IdentityDeps['config']): TokenFormat {
  if (config.provider === 'fernet')
    return fernetFormat(keysAt(env, config.keyRepository, 'fernet-keys'), config.authMethods, config.maxTokenSize)
  const privateKeys = config.jwsPrivateKeys || join(env.stateDir, 'jws-keys', 'private')
  const publicKeys = config.jwsPublicKeys || join(env.stateDir, 'jws-keys', 'public')
  if (config.jwsPrivateKeys === '' && config.jwsPublicKeys === '') setUpKeyPair(privateKeys, publicKeys)
  return jwsFormat(privateKeys, publicKeys)
}
