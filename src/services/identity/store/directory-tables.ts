/** Entities that live in a directory (LDAP) and are known here by a public id. */
export interface DirectoryTables {
  id_mappings: {
    public_id: string
    domain_id: string
    local_id: string
    entity_type: 'user' | 'group'
  }
}
