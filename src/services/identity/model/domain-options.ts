/** The options that a domain may have of its own, by keystone's list; sensitive ones are never shown. */
const ldap = `url user suffix query_scope page_size alias_dereferencing debug_level chase_referrals user_tree_dn
  user_filter user_objectclass user_id_attribute user_name_attribute user_mail_attribute user_description_attribute
  user_pass_attribute user_enabled_attribute user_enabled_invert user_enabled_mask user_enabled_default
  user_attribute_ignore user_default_project_id_attribute user_enabled_emulation user_enabled_emulation_dn
  user_enabled_emulation_use_group_config user_additional_attribute_mapping group_tree_dn group_filter
  group_objectclass group_id_attribute group_name_attribute group_members_are_ids group_member_attribute
  group_desc_attribute group_attribute_ignore group_additional_attribute_mapping tls_cacertfile tls_cacertdir use_tls
  tls_req_cert use_pool pool_size pool_retry_max pool_retry_delay pool_connection_timeout pool_connection_lifetime
  use_auth_pool auth_pool_size auth_pool_connection_lifetime`

export const plainDomainOptions: Readonly<Record<string, readonly string[]>> = {
  identity: ['driver', 'list_limit'],
  ldap: ldap.split(/\s+/),
}

export const sensitiveDomainOptions: Readonly<Record<string, readonly string[]>> = { identity: [], ldap: ['password'] }

/** `plain`, `sensitive`, or undefined for an option that is the whole cloud's. */
export function kindOfDomainOption(section: string, name: string): 'plain' | 'sensitive' | undefined {
  const isIn = (table: Readonly<Record<string, readonly string[]>>) =>
    Object.hasOwn(table, section) && table[section]!.includes(name)
  return isIn(plainDomainOptions) ? 'plain' : isIn(sensitiveDomainOptions) ? 'sensitive' : undefined
}
