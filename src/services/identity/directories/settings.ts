/** What is configured of a domain's directory, in a file or in the database. */
import { ConfigError, loadConfig } from '../../../platform/config/config.ts'
import type { OptionDeclaration, Values } from '../../../platform/config/options.ts'
import { fileOptions } from '../config.ts'
import { ldapOptions } from '../config-ldap.ts'
import type { LdapSettings } from '../drivers/ldap/settings.ts'
import type { Row } from '../store/rows.ts'

/** Undefined: the domain's users live in the database. */
export type DomainSettings = LdapSettings | undefined

const settingsOf = (values: Values<typeof ldapOptions>): LdapSettings =>
  Object.fromEntries(Object.keys(ldapOptions).map((key) => [key, values[key as keyof typeof values]])) as never

/** [ldap] of the files, where `[identity] driver` says so. Throws ConfigError. */
export function settingsInFiles(files: readonly string[]): DomainSettings {
  const values = loadConfig('keystone', fileOptions, files)
  return values.identityDriver === 'ldap' ? settingsOf(values) : undefined
}

type DomainOption = Pick<Row<'domain_options'>, 'section' | 'name' | 'value'> & { is_sensitive: number }

/** The same out of the database. Throws ConfigError with the option that cannot be used. */
export function settingsInRows(rows: readonly DomainOption[]): DomainSettings {
  const found = (section: string, name: string) => rows.find((row) => row.section === section && row.name === name)
  const driver = found('identity', 'driver')
  if (!driver || (JSON.parse(driver.value) as unknown) !== 'ldap') return undefined
  const values = Object.entries(ldapOptions).map(([key, declaration]) => {
    const row = found(declaration.section, declaration.name)
    return [key, row ? convert(declaration, fill(JSON.parse(row.value) as unknown, rows)) : declaration.default]
  })
  return Object.fromEntries(values) as LdapSettings
}

/** `%(password)s` in an option stands for the sensitive option of that name. */
function fill(value: unknown, rows: readonly DomainOption[]): unknown {
  if (typeof value !== 'string') return value
  return value.replace(/%\((\w+)\)s/g, (whole, name: string) => {
    const secret = rows.find((row) => row.is_sensitive === 1 && row.name === name)
    return secret ? String(JSON.parse(secret.value)) : whole
  })
}

/** A value of JSON as the option's type; booleans may be texts, and only those that say so are true (OSSA-2026-007). */
function convert({ section, name, type, choices, min }: OptionDeclaration, value: unknown): unknown {
  const wrong = (what: string) => new ConfigError(`[${section}] ${name} of a domain must be ${what}`)
  const text = String(value).trim()
  switch (type) {
    case 'boolean':
      if (value === true || /^(true|1|on|yes)$/i.test(text)) return true
      if (value === false || /^(false|0|off|no)$/i.test(text)) return false
      throw wrong('true or false')
    case 'integer':
    case 'float': {
      const number = Number(text)
      if (text === '' || !Number.isFinite(number) || (type === 'integer' && !Number.isInteger(number)))
        throw wrong('a number')
      if (min !== undefined && number < min) throw wrong(`at least ${min}`)
      return number
    }
    case 'list': {
      const items = Array.isArray(value) ? value.map(String) : text.split(',')
      return items.map((item) => item.trim()).filter((item) => item !== '')
    }
    default:
      if (typeof value === 'object') throw wrong('a text')
      if (choices && !choices.includes(text)) throw wrong(`one of ${choices.join(', ')}`)
      return String(value)
  }
}
