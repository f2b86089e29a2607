/** The mapping rule language of federation: what an identity provider asserts becomes a user, groups and projects. */

export interface DomainRef {
  readonly id?: string
  readonly name?: string
}

/** One condition on the assertion; without a list it only asks that the attribute is there. */
export interface RemoteRule {
  readonly type: string
  readonly any_one_of?: readonly string[]
  readonly not_any_of?: readonly string[]
  readonly blacklist?: readonly string[]
  readonly whitelist?: readonly string[]
  readonly regex?: boolean
}

export interface ProjectRule {
  readonly name: string
  readonly roles: readonly { readonly name: string }[]
  readonly domain?: DomainRef
}

export interface UserRule {
  readonly id?: string
  readonly name?: string
  readonly email?: string
  readonly domain?: DomainRef
  readonly type?: string
}

/** What an assertion that meets the conditions stands for; texts may hold `{0}`, `{1}`, … */
export interface LocalRule {
  readonly user?: UserRule
  readonly group?: { readonly id?: string; readonly name?: string; readonly domain?: DomainRef }
  /** A name or a list of names, with `domain` beside it; or `JSON:{"name":…,"domain":…}` entries. */
  readonly groups?: string
  readonly group_ids?: string
  readonly domain?: DomainRef
  readonly projects?: readonly ProjectRule[] | string
  readonly projects_json?: string
}

export interface Rule {
  readonly local: readonly LocalRule[]
  readonly remote: readonly RemoteRule[]
}

export type SchemaVersion = '1.0' | '2.0' | '3.0'

export interface Mapping {
  readonly id: string
  readonly rules: readonly Rule[]
  readonly schemaVersion: SchemaVersion
}

/** What a mapping makes of an assertion. */
export interface Mapped {
  readonly user: UserRule & { readonly type: 'ephemeral' | 'local' }
  readonly groupIds: readonly string[]
  readonly groupNames: readonly { readonly name: string; readonly domain: DomainRef }[]
  readonly projects: readonly ProjectRule[]
}

/** The mapping cannot make anyone of the assertion; the login is refused with this sentence in the log. */
export class MappingError extends Error {}
