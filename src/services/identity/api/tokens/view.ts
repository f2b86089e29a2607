import type { IdentityDeps } from '../../deps.ts'
import type { ValidToken } from '../../tokens/evaluate.ts'
import { isoMicros } from '../times.ts'
import type { ShownToken } from './schema.ts'

const ref = (row: { id: string; name: string }) => ({ id: row.id, name: row.name })

/** A token as the API shows it. */
export async function viewToken(
  { catalog }: IdentityDeps,
  valid: ValidToken,
  withCatalog: boolean,
): Promise<ShownToken> {
  const { payload, project, domain } = valid
  const isScoped = payload.scope.kind !== 'unscoped'
  const serviceProviders = await catalog.serviceProviders()
  return {
    methods: payload.methods,
    user: viewUser(valid),
    audit_ids: payload.auditIds,
    expires_at: isoMicros(payload.expiresAt),
    issued_at: isoMicros(valid.issuedAt),
    ...(project && {
      project: { domain: ref(valid.projectDomain!), id: project.id, name: project.name },
      is_domain: project.is_domain === 1,
    }),
    ...(domain && { domain: ref(domain) }),
    ...(payload.scope.kind === 'system' && { system: { all: true } }),
    ...(isScoped && { roles: valid.roles }),
    ...(isScoped && serviceProviders.length > 0 && { service_providers: serviceProviders }),
    ...(isScoped && withCatalog && { catalog: await catalog.of(valid.user.id, project?.id ?? null) }),
    ...viewDelegation(valid),
  }
}

function viewUser({ user, userDomain, payload: { federation } }: ValidToken) {
  const common = { domain: ref(userDomain), id: user.id, name: user.name }
  if (!federation)
    return {
      ...common,
      password_expires_at: user.password_expires_at === null ? null : isoMicros(Number(user.password_expires_at)),
    }
  return {
    ...common,
    'OS-FEDERATION': {
      groups: federation.groupIds.map((id) => ({ id })),
      identity_provider: { id: federation.identityProviderId },
      protocol: { id: federation.protocolId },
    },
  }
}

/** What the token was delegated by, under the names that services look for. */
function viewDelegation({ payload, trust, applicationCredential, accessToken, accessRules }: ValidToken) {
  return {
    ...(accessToken && { 'OS-OAUTH1': { access_token_id: accessToken.id, consumer_id: accessToken.consumer_id } }),
    ...(trust && {
      'OS-TRUST:trust': {
        id: trust.id,
        trustor_user: { id: trust.trustor_user_id },
        trustee_user: { id: trust.trustee_user_id },
        impersonation: trust.impersonation === 1,
      },
    }),
    ...(applicationCredential && {
      application_credential: {
        id: applicationCredential.id,
        name: applicationCredential.name,
        restricted: applicationCredential.unrestricted !== 1,
        ...(accessRules && { access_rules: accessRules }),
      },
    }),
    ...(payload.thumbprint !== undefined && { oauth2_credential: { 'x5t#S256': payload.thumbprint } }),
  }
}
