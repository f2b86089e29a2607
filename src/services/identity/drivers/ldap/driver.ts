/** Users and groups of an LDAP directory, read as keystone reads them. */
import { randomUUID } from 'node:crypto'
import { ExtensibleFilter, NoSuchObjectError, PresenceFilter, ResultCodeError, type Filter } from 'ldapts'
import { DirectoryDown, type Directory, type DirectoryGroup, type DirectoryUser, type NameFilter } from '../driver.ts'
import { Connections } from './connections.ts'
import { escapeDnValue, isBelow, parseDn } from './dn.ts'
import { equals, filterOf, groupsOf, idOf, named, parseFilter, usersOf, type Kind } from './kinds.ts'
import type { LdapSettings } from './settings.ts'
import { additionalOf, isEnabled, valueOf, valuesOf, type RawEntry } from './values.ts'

type Scope = 'base' | 'one' | 'sub'
type Found<T> = T & { dn: string }

/** Active Directory: membership through nested groups. */
const inChain = '1.2.840.113556.1.4.1941'
const membersAtOnce = 8

export class LdapDirectory implements Directory {
  readonly #settings: LdapSettings
  readonly #connections: Connections
  readonly #users: Kind
  readonly #groups: Kind

  /** Throws an Error that names the option which cannot be used. */
  constructor(settings: LdapSettings) {
    this.#settings = settings
    this.#users = usersOf(settings)
    this.#groups = groupsOf(settings)
    for (const [name, text] of [
      ['user_filter', settings.userFilter],
      ['group_filter', settings.groupFilter],
    ] as const) {
      try {
        parseFilter(text)
      } catch (cause) {
        throw new Error(`[ldap] ${name}: '${text}' is no LDAP filter`, { cause })
      }
    }
    this.#connections = new Connections(settings)
  }

  findUser = (localId: string) => this.#userBy([equals(this.#users.idAttribute, localId)])
  findUserByName = (name: string) => this.#userBy([equals(this.#users.nameAttribute, name)])

  async listUsers(name?: NameFilter): Promise<DirectoryUser[]> {
    const entries = await this.#list(this.#users, name ? [named(this.#users.nameAttribute, name)] : [])
    const enabled = this.#settings.userEnabledEmulation ? await this.#emulated() : undefined
    return entries.flatMap((entry) => this.#toUser(entry, enabled) ?? [])
  }

  findGroup = (localId: string) => this.#groupBy([equals(this.#groups.idAttribute, localId)])
  findGroupByName = (name: string) => this.#groupBy([equals(this.#groups.nameAttribute, name)])

  async listGroups(name?: NameFilter): Promise<DirectoryGroup[]> {
    const entries = await this.#list(this.#groups, name ? [named(this.#groups.nameAttribute, name)] : [])
    return entries.flatMap((entry) => this.#toGroup(entry) ?? [])
  }

  async groupsOf(localUserId: string): Promise<DirectoryGroup[]> {
    const user = await this.findUser(localUserId)
    if (!user) return []
    const member = this.#settings.groupMembersAreIds ? user.localId : user.dn
    const filter = this.#settings.groupAdNesting
      ? new ExtensibleFilter({ matchType: 'member', rule: inChain, value: member })
      : equals(this.#settings.groupMemberAttribute, member)
    return (await this.#list(this.#groups, [filter])).flatMap((entry) => this.#toGroup(entry) ?? [])
  }

  async membersOf(localGroupId: string): Promise<DirectoryUser[]> {
    const group = await this.#groupBy([equals(this.#groups.idAttribute, localGroupId)])
    if (!group) return []
    if (this.#settings.groupAdNesting) {
      const filter = new ExtensibleFilter({ matchType: 'memberOf', rule: inChain, value: group.dn })
      const enabled = this.#settings.userEnabledEmulation ? await this.#emulated() : undefined
      return (await this.#list(this.#users, [filter])).flatMap((entry) => this.#toUser(entry, enabled) ?? [])
    }
    const attribute = this.#settings.groupMemberAttribute
    const [entry] = await this.#search(group.dn, 'base', new PresenceFilter({ attribute: 'objectClass' }), [attribute])
    const members = entry ? valuesOf(entry, attribute) : []
    const users: DirectoryUser[] = []
    for (let at = 0; at < members.length; at += membersAtOnce) {
      const some = await Promise.all(members.slice(at, at + membersAtOnce).map((member) => this.#member(member)))
      users.push(...some.flatMap((user) => user ?? []))
    }
    return users
  }

  async checkPassword(localUserId: string, password: string): Promise<boolean> {
    const user = await this.findUser(localUserId)
    return user !== undefined && this.#connections.tryLogin(user.dn, password)
  }

  async refusePassword(password: string): Promise<false> {
    const nobody = `nobody-${randomUUID()}`
    await this.groupsOf(nobody)
    await this.#list(this.#groups, [equals(this.#settings.groupMemberAttribute, `cn=${nobody},${this.#users.tree}`)])
    await this.#connections.tryLogin(`${this.#users.idAttribute}=${nobody},${this.#users.tree}`, password)
    return false
  }

  close = () => this.#connections.close()

  /** A member by id or DN; only users in the users' tree count, whatever else a group holds. */
  async #member(member: string): Promise<Found<DirectoryUser> | undefined> {
    if (this.#settings.groupMembersAreIds) return this.findUser(member)
    if (!isBelow(member, this.#users.tree)) return undefined
    const [entry] = await this.#search(member, 'base', filterOf(this.#users, []), this.#users.attributes)
    return entry && this.#toUser(entry, await this.#emulationOf(entry))
  }

  async #userBy(filters: Filter[]): Promise<Found<DirectoryUser> | undefined> {
    const [entry] = await this.#list(this.#users, filters)
    return entry && this.#toUser(entry, await this.#emulationOf(entry))
  }

  async #groupBy(filters: Filter[]): Promise<Found<DirectoryGroup> | undefined> {
    const [entry] = await this.#list(this.#groups, filters)
    return entry && this.#toGroup(entry)
  }

  /** Entries of a kind that have a name: those without one are none of keystone's. */
  async #list(kind: Kind, filters: Filter[]): Promise<RawEntry[]> {
    const scope = this.#settings.queryScope === 'sub' ? 'sub' : 'one'
    const found = await this.#search(kind.tree, scope, filterOf(kind, filters), kind.attributes)
    return found.filter((entry) => (valueOf(entry, kind.nameAttribute) ?? '').trim() !== '')
  }

  async #search(base: string, scope: Scope, filter: Filter, attributes: string[]): Promise<RawEntry[]> {
    const { pageSize, aliasDereferencing } = this.#settings
    const deref = dereferencing[aliasDereferencing]
    try {
      const { searchEntries } = await this.#connections.use((client) =>
        client.search(base, {
          scope,
          filter,
          attributes,
          explicitBufferAttributes: attributes.filter((name) => name.toLowerCase() === 'objectguid'),
          ...(deref && { derefAliases: deref }),
          ...(pageSize > 0 && scope !== 'base' && { paged: { pageSize } }),
        }),
      )
      return searchEntries
    } catch (error) {
      if (error instanceof NoSuchObjectError) return []
      if (error instanceof ResultCodeError)
        throw new DirectoryDown('the LDAP server refuses a search', { cause: error })
      throw error
    }
  }

  #toUser(entry: RawEntry, emulated?: ReadonlySet<string>): Found<DirectoryUser> | undefined {
    const settings = this.#settings
    const localId = idOf(entry, this.#users)
    if (localId === undefined) return undefined
    const isIgnored = (name: string) => settings.userAttributeIgnore.includes(name)
    const email = isIgnored('email') ? undefined : valueOf(entry, settings.userMailAttribute)
    const description = isIgnored('description') ? undefined : valueOf(entry, settings.userDescriptionAttribute)
    const projectAttribute = isIgnored('default_project_id') ? '' : settings.userDefaultProjectIdAttribute
    return {
      dn: entry.dn,
      localId,
      name: valueOf(entry, settings.userNameAttribute)!,
      enabled: emulated ? emulated.has(this.#memberKey(entry, localId)) : isEnabled(entry, settings),
      defaultProjectId: projectAttribute === '' ? null : (valueOf(entry, projectAttribute) ?? null),
      extra: {
        ...(email !== undefined && { email }),
        ...(description !== undefined && { description }),
        ...additionalOf(entry, settings.userAdditionalAttributeMapping),
      },
    }
  }

  #toGroup(entry: RawEntry): Found<DirectoryGroup> | undefined {
    const settings = this.#settings
    const localId = idOf(entry, this.#groups)
    if (localId === undefined) return undefined
    const isIgnored = settings.groupAttributeIgnore.includes('description')
    return {
      dn: entry.dn,
      localId,
      name: valueOf(entry, settings.groupNameAttribute)!,
      description: isIgnored ? '' : (valueOf(entry, settings.groupDescAttribute) ?? ''),
      extra: additionalOf(entry, settings.groupAdditionalAttributeMapping),
    }
  }

  async #emulationOf(entry: RawEntry): Promise<ReadonlySet<string> | undefined> {
    if (!this.#settings.userEnabledEmulation || this.#settings.userAttributeIgnore.includes('enabled')) return undefined
    const localId = idOf(entry, this.#users) ?? ''
    const { attribute, areIds } = this.#emulationGroup()
    const filter = equals(attribute, areIds ? localId : entry.dn)
    const found = await this.#search(this.#emulationDn(), 'base', filter, ['1.1'])
    return new Set(found.length > 0 ? [this.#memberKey(entry, localId)] : [])
  }

  /** Everyone in the group whose members are the enabled users. */
  async #emulated(): Promise<ReadonlySet<string> | undefined> {
    if (this.#settings.userAttributeIgnore.includes('enabled')) return undefined
    const { attribute, areIds } = this.#emulationGroup()
    const anything = new PresenceFilter({ attribute: 'objectClass' })
    const [entry] = await this.#search(this.#emulationDn(), 'base', anything, [attribute])
    return new Set((entry ? valuesOf(entry, attribute) : []).map((value) => (areIds ? value : keyOfDn(value))))
  }

  #memberKey(entry: RawEntry, localId: string): string {
    return this.#emulationGroup().areIds ? localId : keyOfDn(entry.dn)
  }

  #emulationGroup() {
    const { userEnabledEmulationUseGroupConfig, groupMemberAttribute, groupMembersAreIds } = this.#settings
    return userEnabledEmulationUseGroupConfig
      ? { attribute: groupMemberAttribute, areIds: groupMembersAreIds }
      : { attribute: 'member', areIds: false }
  }

  #emulationDn(): string {
    return this.#settings.userEnabledEmulationDn || `cn=enabled_users,${this.#users.tree}`
  }
}

const dereferencing: Readonly<Record<string, 'always' | 'find' | 'never' | 'search'>> = {
  always: 'always',
  finding: 'find',
  never: 'never',
  searching: 'search',
}

const keyOfDn = (dn: string): string =>
  parseDn(dn)
    .map(({ attribute, value }) => `${attribute}=${escapeDnValue(value.toLowerCase())}`)
    .join(',')
