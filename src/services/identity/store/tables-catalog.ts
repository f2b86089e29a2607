/** Rows of endpoint filters, policies and their associations, and of domain configurations. */
export interface CatalogTables {
  endpoint_groups: {
    id: string
    name: string
    description: string | null
    /** JSON object of endpoint attributes that an endpoint of the group has. */
    filters: string
  }
  project_endpoints: { project_id: string; endpoint_id: string }
  project_endpoint_groups: { project_id: string; endpoint_group_id: string }
  policies: { id: string; type: string; content: string; extra: string }
  /** '' where an association does not name an endpoint, a service or a region. */
  policy_associations: { policy_id: string; endpoint_id: string; service_id: string; region_id: string }
  domain_options: {
    domain_id: string
    section: string
    name: string
    /** JSON. */
    value: string
    is_sensitive: number
  }
}
