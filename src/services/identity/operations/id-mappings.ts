/** `mapping_populate` and `mapping_purge`: the public ids of what lives in directories. */
import type { IdentityDeps } from '../deps.ts'
import { ValidationFailed } from '../errors.ts'
import { findRow } from '../store/rows.ts'
import { listMappings, removeMappings, type MappingFilter } from '../store/mirror.ts'

async function domainNamed({ database }: IdentityDeps, name: string): Promise<string> {
  const domain = await findRow(database.db, 'projects', { name, domain_id: '', is_domain: 1 })
  if (!domain) throw new ValidationFailed(`Invalid domain name: ${name}`)
  return domain.id
}

/** Gives every user and group of a domain's directory its public id. Throws ValidationFailed, Unavailable. */
export async function populateMappings(deps: IdentityDeps, domainName: string): Promise<{ count: number }> {
  const domainId = await domainNamed(deps, domainName)
  if (!(await deps.directories.of(domainId))) throw new ValidationFailed(`The domain ${domainName} has no directory.`)
  await deps.residents.listUsers(domainId)
  await deps.residents.listGroups(domainId)
  return { count: (await listMappings(deps.database.db, { domainId })).length }
}

export interface PurgeOptions {
  all?: boolean
  domainName?: string | undefined
  publicId?: string | undefined
  localId?: string | undefined
  type?: string | undefined
}

/** Forgets public ids; those who come back get the same ones again. Throws ValidationFailed on options that clash. */
export async function purgeMappings(deps: IdentityDeps, options: PurgeOptions): Promise<{ count: number }> {
  const { all = false, domainName, publicId, localId, type } = options
  const chosen = [domainName, publicId, localId, type].filter((option) => option !== undefined)
  if (!all && chosen.length === 0) throw new ValidationFailed('At least one option must be provided')
  if (all && chosen.length > 0) throw new ValidationFailed('--all option cannot be mixed with other options')
  if (type !== undefined && type !== 'user' && type !== 'group')
    throw new ValidationFailed(`--type ${type}: choose from 'user', 'group'`)
  const filter: MappingFilter = {
    ...(domainName !== undefined && { domainId: await domainNamed(deps, domainName) }),
    ...(publicId !== undefined && { publicId }),
    ...(localId !== undefined && { localId }),
    ...(type !== undefined && { kind: type }),
  }
  const count = await deps.database.transaction((tx) => removeMappings(tx, filter))
  deps.changed()
  return { count }
}
