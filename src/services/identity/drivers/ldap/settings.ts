/** What the LDAP driver is told: the options of [ldap], by the names of keystone.conf. */
export interface LdapSettings {
  readonly url: string
  readonly randomizeUrls: boolean
  readonly user: string
  readonly password: string
  readonly suffix: string
  readonly queryScope: string
  readonly pageSize: number
  readonly aliasDereferencing: string
  readonly userTreeDn: string
  readonly userFilter: string
  readonly userObjectclass: string
  readonly userIdAttribute: string
  readonly userNameAttribute: string
  readonly userDescriptionAttribute: string
  readonly userMailAttribute: string
  readonly userEnabledAttribute: string
  readonly userEnabledInvert: boolean
  readonly userEnabledMask: number
  readonly userEnabledDefault: string
  readonly userAttributeIgnore: readonly string[]
  readonly userDefaultProjectIdAttribute: string
  readonly userEnabledEmulation: boolean
  readonly userEnabledEmulationDn: string
  readonly userEnabledEmulationUseGroupConfig: boolean
  readonly userAdditionalAttributeMapping: readonly string[]
  readonly groupTreeDn: string
  readonly groupFilter: string
  readonly groupObjectclass: string
  readonly groupIdAttribute: string
  readonly groupNameAttribute: string
  readonly groupMemberAttribute: string
  readonly groupMembersAreIds: boolean
  readonly groupDescAttribute: string
  readonly groupAttributeIgnore: readonly string[]
  readonly groupAdditionalAttributeMapping: readonly string[]
  readonly groupAdNesting: boolean
  readonly tlsCacertfile: string
  readonly tlsCacertdir: string
  readonly useTls: boolean
  readonly tlsReqCert: string
  readonly connectionTimeout: number
  readonly usePool: boolean
  readonly poolSize: number
  readonly poolRetryMax: number
  readonly poolRetryDelay: number
  readonly poolConnectionTimeout: number
  readonly poolConnectionLifetime: number
  readonly authPoolSize: number
}
