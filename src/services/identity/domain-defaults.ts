/** What domains without a configuration of their own have: the options of keystone.conf that a domain may set. */
import { loadConfig } from '../../platform/config/config.ts'
import { fileOptions } from './config.ts'
import { plainDomainOptions } from './model/domain-options.ts'

export type DomainDefaults = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Reads them once. An option that is not set is null, as keystone shows it. */
export function readDomainDefaults(configFiles: readonly string[]): DomainDefaults {
  const values: Readonly<Record<string, unknown>> = loadConfig('keystone', fileOptions, configFiles)
  const valueOf = (section: string, name: string) => {
    const found = Object.entries(fileOptions).find(([, each]) => each.section === section && each.name === name)
    const value = found && values[found[0]]
    return value === '' || value === undefined ? null : value
  }
  return Object.fromEntries(
    Object.entries(plainDomainOptions).map(([section, names]) => [
      section,
      Object.fromEntries(names.map((name) => [name, valueOf(section, name)])),
    ]),
  )
}
