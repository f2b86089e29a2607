/** Configurations of domains: which options they may have, and what of them is shown. */
import { Forbidden, NotFound } from '../../../platform/errors.ts'
import type { IdentityDeps } from '../deps.ts'
import { kindOfDomainOption, plainDomainOptions, sensitiveDomainOptions } from '../model/domain-options.ts'
import {
  deleteDomainOptions,
  domainOptions,
  putDomainOptions,
  type DomainOption,
  type Place,
} from '../store/domain-options.ts'

export type DomainConfig = Readonly<Record<string, Readonly<Record<string, unknown>>>>

class InvalidDomainConfig extends Forbidden {
  constructor(reason: string) {
    super(`Invalid domain specific configuration: ${reason}.`)
  }
}

const describe = ({ section, name }: Place): string =>
  name !== undefined ? `option ${name} in group ${section}` : section !== undefined ? `group ${section}` : 'any options'

const notFound = (domainId: string, place: Place) =>
  new NotFound(`Could not find ${describe(place)} in domain configuration for domain ${domainId}.`)

/** Throws Forbidden for a group or an option that no domain may have of its own. */
export function requireSupported({ section, name }: Place): void {
  if (section === undefined) return
  if (!Object.hasOwn(plainDomainOptions, section) && !Object.hasOwn(sensitiveDomainOptions, section))
    throw new InvalidDomainConfig(`Group ${section} is not supported for domain specific configurations`)
  if (name !== undefined && kindOfDomainOption(section, name) === undefined)
    throw new InvalidDomainConfig(
      `Option ${name} in group ${section} is not supported for domain specific configurations`,
    )
}

function requireValid(config: Readonly<Record<string, unknown>>): asserts config is DomainConfig {
  if (Object.keys(config).length === 0) throw new InvalidDomainConfig('No options specified')
  for (const [section, options] of Object.entries(config)) {
    if (typeof options !== 'object' || options === null || Array.isArray(options) || Object.keys(options).length === 0)
      throw new InvalidDomainConfig(
        `The value of group ${section} specified in the config should be a dictionary of options`,
      )
    for (const name of Object.keys(options)) requireSupported({ section, name })
  }
}

const rowsOf = (domainId: string, config: DomainConfig): DomainOption[] =>
  Object.entries(config).flatMap(([section, options]) =>
    Object.entries(options).map(([name, value]) => ({
      domain_id: domainId,
      section,
      name,
      value: JSON.stringify(value),
      is_sensitive: kindOfDomainOption(section, name) === 'sensitive' ? 1 : 0,
    })),
  )

/** Options by their groups, or by their names. */
type ShownConfig = Readonly<Record<string, unknown>>

/** Options by their groups; one alone where one was asked for. What is sensitive is never among them. */
function shown(rows: readonly DomainOption[], { name }: Place = {}): ShownConfig {
  const plain = rows.filter((row) => row.is_sensitive === 0)
  const config: Record<string, Record<string, unknown>> = {}
  for (const row of plain) (config[row.section] ??= {})[row.name] = JSON.parse(row.value) as unknown
  return name === undefined ? config : (Object.values(config)[0] ?? {})
}

/** What a domain's configuration shows of itself. Throws NotFound where that is nothing. */
export async function showDomainConfig(
  { database }: IdentityDeps,
  domainId: string,
  place: Place,
): Promise<ShownConfig> {
  requireSupported(place)
  const rows = await domainOptions(database.db, domainId, place)
  if (!rows.some((row) => row.is_sensitive === 0)) throw notFound(domainId, place)
  return shown(rows, place)
}

/** Replaces the whole configuration; `isNew` when there was none. */
export async function createDomainConfig(
  deps: IdentityDeps,
  domainId: string,
  config: Readonly<Record<string, unknown>>,
): Promise<{ config: ShownConfig; isNew: boolean }> {
  requireValid(config)
  const before = await domainOptions(deps.database.db, domainId)
  const rows = rowsOf(domainId, config)
  await putDomainOptions(deps.database, domainId, rows, { isWhole: true })
  return { config: shown(rows), isNew: before.length === 0 }
}

/** Merges options into the configuration. A group or an option of the address must be there already. */
export async function updateDomainConfig(
  deps: IdentityDeps,
  domainId: string,
  body: Readonly<Record<string, unknown>>,
  place: Place,
): Promise<ShownConfig> {
  const config = place.section !== undefined && place.name !== undefined ? { [place.section]: body } : body
  requireValid(config)
  requireSupported(place)
  requireOnly(config, place)
  if (place.section !== undefined && (await domainOptions(deps.database.db, domainId, place)).length === 0)
    throw notFound(domainId, place)
  await putDomainOptions(deps.database, domainId, rowsOf(domainId, config), { isWhole: false })
  return showDomainConfig(deps, domainId, {})
}

/** The body must be about what the address is about, and about nothing else. */
function requireOnly(config: DomainConfig, { section, name }: Place): void {
  if (section === undefined) return
  const sections = Object.keys(config)
  const names = Object.keys(config[section] ?? {})
  if (sections.length !== 1 || (name !== undefined && section in config && names.length !== 1))
    throw new InvalidDomainConfig(
      name !== undefined
        ? `Trying to update option ${name} in group ${section}, so that, and only that, option must be specified  in the config`
        : `Trying to update group ${section}, so that, and only that, group must be specified in the config`,
    )
  if (!(section in config))
    throw new InvalidDomainConfig(
      `request to update group ${section}, but config provided contains group ${sections[0]} instead`,
    )
  if (name !== undefined && !names.includes(name))
    throw new InvalidDomainConfig(
      `Trying to update option ${name} in group ${section}, but config provided contains option ${names[0]} instead`,
    )
}

/** Deletes the configuration or a part of it. Throws NotFound for a part that is not there. */
export async function deleteDomainConfig(deps: IdentityDeps, domainId: string, place: Place): Promise<void> {
  requireSupported(place)
  const { db } = deps.database
  if (place.section !== undefined && (await domainOptions(db, domainId, place)).length === 0)
    throw notFound(domainId, place)
  await deleteDomainOptions(db, domainId, place)
}

/** What a domain has that sets nothing itself. */
export function defaultDomainConfig({ domainDefaults }: IdentityDeps, { section, name }: Place): ShownConfig {
  requireSupported({ section, name })
  if (section === undefined) return domainDefaults
  if (name === undefined) return { [section]: domainDefaults[section] }
  if (!plainDomainOptions[section]!.includes(name))
    throw new InvalidDomainConfig(`Reading the default for option ${name} in group ${section} is not supported`)
  return { [name]: domainDefaults[section]![name] }
}

const complianceOptions = ['password_regex', 'password_regex_description']

/** What users may know about the form of passwords, of the default domain only. */
export function complianceConfig({ config }: IdentityDeps, domainId: string, { name }: Place): ShownConfig {
  if (domainId !== config.defaultDomainId)
    throw new InvalidDomainConfig(
      'Reading security compliance information for any domain other than the default domain is not allowed or supported.',
    )
  if (name !== undefined && !complianceOptions.includes(name))
    throw new InvalidDomainConfig(
      'Reading security compliance values other than password_regex and password_regex_description is not allowed.',
    )
  const all: Record<string, string | null> = {
    password_regex: config.passwordRegex || null,
    password_regex_description: config.passwordRegexDescription || null,
  }
  return name === undefined ? { security_compliance: all } : { [name]: all[name] }
}
