/** The two kinds of entities in a directory: where they are, how they are asked for, what is read of them. */
import { AndFilter, EqualityFilter, FilterParser, PresenceFilter, SubstringFilter, type Filter } from 'ldapts'
import type { NameFilter } from '../driver.ts'
import { parseDn } from './dn.ts'
import type { LdapSettings } from './settings.ts'
import { bytesOfUuid, valuesOf, type RawEntry } from './values.ts'

/** What is read of one kind of entity. */
export interface Kind {
  tree: string
  objectclass: string
  filter: string
  idAttribute: string
  nameAttribute: string
  attributes: string[]
}

export function usersOf(settings: LdapSettings): Kind {
  const additional = settings.userAdditionalAttributeMapping.map((item) => item.split(':')[0] ?? '')
  const names = [
    settings.userIdAttribute,
    settings.userNameAttribute,
    settings.userMailAttribute,
    settings.userDescriptionAttribute,
    settings.userEnabledAttribute,
    settings.userDefaultProjectIdAttribute,
    ...additional,
  ]
  return {
    tree: settings.userTreeDn || `ou=Users,${settings.suffix}`,
    objectclass: settings.userObjectclass,
    filter: settings.userFilter,
    idAttribute: settings.userIdAttribute,
    nameAttribute: settings.userNameAttribute,
    attributes: distinct(names),
  }
}

export function groupsOf(settings: LdapSettings): Kind {
  const additional = settings.groupAdditionalAttributeMapping.map((item) => item.split(':')[0] ?? '')
  return {
    tree: settings.groupTreeDn || `ou=UserGroups,${settings.suffix}`,
    objectclass: settings.groupObjectclass,
    filter: settings.groupFilter,
    idAttribute: settings.groupIdAttribute,
    nameAttribute: settings.groupNameAttribute,
    attributes: distinct([
      settings.groupIdAttribute,
      settings.groupNameAttribute,
      settings.groupDescAttribute,
      ...additional,
    ]),
  }
}

const distinct = (names: readonly string[]): string[] => [...new Set(names.filter((name) => name !== ''))]

/** The id; of several values the one that the entry is named by. */
export function idOf(entry: RawEntry, kind: Kind): string | undefined {
  const ids = valuesOf(entry, kind.idAttribute)
  if (ids.length < 2) return ids[0]
  const first = parseDn(entry.dn)[0]
  return first?.attribute === kind.idAttribute.toLowerCase() ? first.value : ids[0]
}

export const parseFilter = (text: string): Filter | undefined =>
  text.trim() === ''
    ? undefined
    : FilterParser.parseString(text.trim().startsWith('(') ? text.trim() : `(${text.trim()})`)

export function filterOf(kind: Kind, filters: readonly Filter[]): Filter {
  const own = parseFilter(kind.filter)
  const objectclass = equals('objectClass', kind.objectclass)
  const hasId = new PresenceFilter({ attribute: kind.idAttribute })
  return new AndFilter({ filters: [objectclass, hasId, ...(own ? [own] : []), ...filters] })
}

/** Values are put into filters as values, never as text: they cannot change what is asked. */
export function equals(attribute: string, value: string): Filter {
  const bytes = attribute.toLowerCase() === 'objectguid' ? bytesOfUuid(value) : undefined
  return new EqualityFilter({ attribute, value: bytes ?? value })
}

export function named(attribute: string, { comparator, value }: NameFilter): Filter {
  if (comparator === 'equals') return equals(attribute, value)
  return new SubstringFilter({
    attribute,
    initial: comparator === 'startswith' ? value : '',
    any: comparator === 'contains' ? [value] : [],
    final: comparator === 'endswith' ? value : '',
  })
}
