/** Federation: who may vouch for users, and the users that were vouched for. */
export interface FederationTables {
  identity_providers: {
    id: string
    enabled: number
    description: string | null
    domain_id: string
    /** Minutes that a group membership of a login lasts; null for `[federation] default_authorization_ttl`. */
    authorization_ttl: number | null
  }
  idp_remote_ids: { remote_id: string; idp_id: string }
  federation_protocols: { id: string; idp_id: string; mapping_id: string; remote_id_attribute: string | null }
  /** `rules`: JSON. */
  mappings: { id: string; rules: string; schema_version: string }
  service_providers: {
    id: string
    enabled: number
    description: string | null
    auth_url: string
    sp_url: string
    relay_state_prefix: string
  }
  federated_users: {
    user_id: string
    idp_id: string
    protocol_id: string
    /** The user's id at the identity provider, URL-quoted as upstream keeps it. */
    unique_id: string
    display_name: string
    /** 1 when a login made the user: he goes when nobody vouches for him any more. */
    is_shadow: number
  }
  /** Memberships that logins have asserted. */
  expiring_memberships: { user_id: string; group_id: string; idp_id: string; expires_at: number }
}
