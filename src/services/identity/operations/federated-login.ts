/** A login that an identity provider vouches for: who is it by the mapping, and what does that bring him. */
import { Forbidden } from '../../../platform/errors.ts'
import type { Assertion } from '../auth/proxies.ts'
import { findDomain, findUser, isUsable } from '../auth/find.ts'
import type { IdentityDeps } from '../deps.ts'
import { IdentityNotFound, LoginRefused, ProtocolNotFound } from '../errors.ts'
import { evaluateMapping } from '../model/mapping/evaluate.ts'
import { attributeNames } from '../model/mapping/names.ts'
import { MappingError, type Mapped, type Rule, type SchemaVersion } from '../model/mapping/types.ts'
import { quote } from '../model/public-id.ts'
import { isShadowUser } from '../store/federated-users.ts'
import type { IdentityProvider, Protocol } from '../store/federation.ts'
import { findRow, listRows, type Row } from '../store/rows.ts'
import type { Federation } from '../tokens/payload.ts'
import { requireIdentityProvider } from './identity-providers.ts'
import { admitShadowUser } from './shadow-users.ts'

export interface FederatedLogin {
  user: Row<'users'>
  /** Absent for a mapping to a local user: he is who he always is. */
  federation?: Federation
}

/** The identity provider. Throws IdentityNotFound, and Forbidden when it is disabled. */
async function requireEnabledProvider(deps: IdentityDeps, id: string): Promise<IdentityProvider> {
  const provider = await requireIdentityProvider(deps, id)
  if (provider.enabled !== 1) throw new Forbidden(`Identity Provider ${id} is disabled`)
  return provider
}

/** Throws LoginRefused, without a trace in the database, unless the mapping makes somebody of the assertion. */
export async function logInFederated(
  deps: IdentityDeps,
  providerId: string,
  protocolId: string,
  assertion: Assertion,
): Promise<FederatedLogin> {
  const { db } = deps.database
  const provider = await requireEnabledProvider(deps, providerId)
  const protocol = await findRow(db, 'federation_protocols', { idp_id: provider.id, id: protocolId })
  if (!protocol) throw new ProtocolNotFound(protocolId, provider.id)
  requireRemoteId(deps, provider, protocol, assertion)
  const mapping = await findRow(db, 'mappings', { id: protocol.mapping_id })
  if (!mapping) throw new IdentityNotFound('mapping', protocol.mapping_id)
  const mapped = mapAssertion(mapping, assertion)
  if (mapped.user.type === 'local') return { user: await localUser(deps, mapped) }
  const groupIds = await groupsNamed(deps, mapped)
  const user = await admitShadowUser(deps, {
    provider,
    protocolId,
    ...(await identityOf(deps, provider, mapped, assertion)),
    groupIds,
    projects: mapped.projects,
    followsProvider: Number(mapping.schema_version) >= 3,
  })
  return { user, federation: { groupIds, identityProviderId: provider.id, protocolId } }
}

/** The attribute that names the identity provider: of the protocol, of its section of the configuration, of all. */
export function remoteIdAttribute({ config }: IdentityDeps, protocol: Protocol): string {
  const bySection: Readonly<Record<string, string>> = {
    saml2: config.saml2RemoteId,
    openid: config.openidRemoteId,
    mapped: config.mappedRemoteId,
    x509: config.x509RemoteId,
  }
  const ofSection = Object.hasOwn(bySection, protocol.id) ? bySection[protocol.id] : undefined
  return protocol.remote_id_attribute || ofSection || config.remoteIdAttribute
}

/** The assertion is of this identity provider, where that can be told: one must not speak for another. */
function requireRemoteId(deps: IdentityDeps, provider: IdentityProvider, protocol: Protocol, assertion: Assertion) {
  const name = remoteIdAttribute(deps, protocol)
  if (name === '' || provider.remoteIds.length === 0) return
  const value = assertion.attribute(name)
  if (value === undefined) throw new LoginRefused(`the assertion has no ${name}, which names its identity provider`)
  if (!provider.remoteIds.includes(value))
    throw new Forbidden('Incoming identity provider identifier not included among the accepted identifiers.')
}

export function mapAssertion(mapping: Row<'mappings'>, assertion: Pick<Assertion, 'attribute'>): Mapped {
  const rules = JSON.parse(mapping.rules) as Rule[]
  const found = attributeNames(rules).flatMap((name) => {
    const value = assertion.attribute(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  try {
    const schemaVersion = mapping.schema_version as SchemaVersion
    return evaluateMapping({ id: mapping.id, rules, schemaVersion }, Object.fromEntries(found))
  } catch (error) {
    if (error instanceof MappingError) throw new LoginRefused(`mapping ${mapping.id}: ${error.message}`)
    throw error
  }
}

/** A mapping to a user who is there already: nothing is made, nothing is added. */
async function localUser(deps: IdentityDeps, { user: named }: Mapped): Promise<Row<'users'>> {
  const { id, name, domain } = named
  if (id === undefined && (name === undefined || !domain)) throw new LoginRefused('the mapping names no local user')
  const user = await findUser(deps, id !== undefined ? { id } : { name: name!, domain: domain! })
  if (!user || (await isShadowUser(deps.database.db, user.id)) || !(await isUsable(deps, user)))
    throw new LoginRefused(`the mapping names the local user ${id ?? name}, who cannot be used`)
  return user
}

/** What the identity provider calls the user, and the domain that he is of. */
async function identityOf(deps: IdentityDeps, provider: IdentityProvider, { user }: Mapped, { remoteUser }: Assertion) {
  const name = user.name || remoteUser
  const id = user.id || name
  if (!id) throw new LoginRefused('the mapping gives neither an id nor a name of the user')
  const domain = await findDomain(deps, user.domain ?? { id: provider.domain_id })
  if (!domain) throw new LoginRefused('the mapping names a domain that does not exist')
  const uniqueId = quote(id)
  if (uniqueId.length > 255) throw new LoginRefused('the id of the user is longer than 255 characters')
  return { uniqueId, displayName: name ?? id, email: user.email, domainId: domain.id }
}

/** Groups by id must exist; those by name that do not are left out, as identity providers name many. */
async function groupsNamed(deps: IdentityDeps, { groupIds, groupNames }: Mapped): Promise<string[]> {
  const { db } = deps.database
  const known = await listRows(db, 'groups', { id: groupIds })
  const missing = groupIds.find((id) => !known.some((group) => group.id === id))
  if (missing !== undefined) throw new LoginRefused(`the mapping names the group ${missing}, which does not exist`)
  const found = new Set(groupIds)
  const byDomain = Map.groupBy(groupNames, ({ domain }) => JSON.stringify([domain.id, domain.name]))
  for (const named of byDomain.values()) {
    const domain = await findDomain(deps, named[0]!.domain)
    if (!domain) continue
    const names = named.map((group) => group.name)
    await deps.residents.listGroups(domain.id, names.length === 1 ? names[0] : undefined)
    for (const group of await listRows(db, 'groups', { domain_id: domain.id, name: names })) found.add(group.id)
  }
  return [...found]
}
