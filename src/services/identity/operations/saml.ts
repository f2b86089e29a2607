/** This cloud as an identity provider of others: signed assertions of its users, and the metadata that others need. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Forbidden } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { ActionForbidden, AuthFailed, IdentityNotFound, Misconfigured, ValidationFailed } from '../errors.ts'
import { samlResponse } from '../model/saml/assertion.ts'
import { idpMetadata } from '../model/saml/metadata.ts'
import type { SigningPair } from '../model/saml/signature.ts'
import { document, type Xml } from '../model/saml/xml.ts'
import { groupIdsOf } from '../store/roles.ts'
import { findRow, listRows, type Row } from '../store/rows.ts'
import { isDelegated, requireUnsigned } from '../tokens/delegation.ts'
import type { ValidToken } from '../tokens/evaluate.ts'

type Config = IdentityDeps['config']

/** What the bearer of a token is, asserted to a service provider, as a signed SAML response. */
export async function assertToken(
  deps: IdentityDeps,
  token: string,
  serviceProviderId: string,
): Promise<{ response: Xml; serviceProvider: Row<'service_providers'> }> {
  const { config, database } = deps
  const serviceProvider = await findRow(database.db, 'service_providers', { id: serviceProviderId })
  if (!serviceProvider) throw new IdentityNotFound('Service Provider', serviceProviderId)
  if (serviceProvider.enabled !== 1) throw new Forbidden(`Service Provider ${serviceProviderId} is disabled`)
  const valid = await deps.tokens.validate(token)
  if (!valid) throw new AuthFailed()
  requireUnsigned(valid)
  requireAssertable(valid)
  if (config.idpEntityId === '') throw new Misconfigured('[saml] idp_entity_id is not set.')
  const now = Date.now()
  const response = samlResponse(
    {
      issuer: config.idpEntityId,
      recipient: serviceProvider.sp_url,
      subject: {
        user: valid.user.name,
        userDomain: valid.userDomain.name,
        project: valid.project!.name,
        projectDomain: valid.projectDomain!.name,
        roles: valid.roles.map((role) => role.name),
        groups: await groupsOf(deps, valid),
      },
      now,
      expiresAt: now + config.assertionExpiration * 1000,
    },
    readSigningPair(config),
  )
  return { response, serviceProvider }
}

/** Another cloud knows nothing of the requests that an application credential is limited to (A4). */
function requireAssertable({ project, accessRules, payload }: ValidToken) {
  if (!project) throw new ActionForbidden('Use a project scoped token when attempting to create a SAML assertion')
  if (accessRules !== null || payload.thumbprint !== undefined)
    throw new ActionForbidden('Use a token without access rules when attempting to create a SAML assertion')
}

/** `JSON:{"name": …}` for each group; of a delegated token none, as groups may bring more than what was delegated. */
async function groupsOf({ database: { db } }: IdentityDeps, valid: ValidToken): Promise<string[]> {
  const { user, payload } = valid
  const ids = isDelegated(valid) ? [] : [...(await groupIdsOf(db, user.id)), ...(payload.federation?.groupIds ?? [])]
  if (ids.length === 0) return []
  const groups = await listRows(db, 'groups', { id: ids })
  if (groups.length === 0) return []
  const domains = await listRows(db, 'projects', { id: [...new Set(groups.map((group) => group.domain_id))] })
  const nameOf = new Map(domains.map((domain) => [domain.id, domain.name]))
  return groups.map(({ name, domain_id: domainId }) => {
    const domain = { name: nameOf.get(domainId) ?? '' }
    return `JSON:${JSON.stringify({ name, domain })}`
  })
}

/** The key and certificate of [saml], read anew each time: a renewed certificate counts at once. */
function readSigningPair({ samlKey, samlCertificate }: Config): SigningPair {
  try {
    const key = createPrivateKey(readFileSync(samlKey))
    return { key, certificate: new X509Certificate(readFileSync(samlCertificate)).raw.toString('base64') }
  } catch (cause) {
    throw new Misconfigured('The key or the certificate of [saml] cannot be read: see certfile and keyfile.', cause)
  }
}

/** What `saml_idp_metadata` prints: XML. Throws ValidationFailed with the option that is missing. */
export function samlIdpMetadata(config: Config): string {
  if (config.idpEntityId === '') throw new ValidationFailed('Ensure configuration option idp_entity_id is set.')
  if (config.idpSsoEndpoint === '') throw new ValidationFailed('Ensure configuration option idp_sso_endpoint is set.')
  const { certificate } = readSigningPair(config)
  return document(
    idpMetadata({
      entityId: config.idpEntityId,
      ssoEndpoint: config.idpSsoEndpoint,
      certificate,
      lang: config.idpLang,
      organization: {
        name: config.idpOrganizationName,
        displayName: config.idpOrganizationDisplayName,
        url: config.idpOrganizationUrl,
      },
      contact: {
        company: config.idpContactCompany,
        name: config.idpContactName,
        surname: config.idpContactSurname,
        email: config.idpContactEmail,
        telephone: config.idpContactTelephone,
        type: config.idpContactType,
      },
    }),
  )
}

/** The metadata as they were written to `[saml] idp_metadata_path`. */
export function readMetadataFile({ idpMetadataPath }: Config): string {
  try {
    return readFileSync(idpMetadataPath, 'utf8')
  } catch (cause) {
    throw new Misconfigured(
      'The metadata cannot be read: write what saml_idp_metadata prints to the file of [saml] idp_metadata_path.',
      cause,
    )
  }
}
