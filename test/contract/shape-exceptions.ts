/**
 * Fields that only we (`+`) or only upstream's description (`-`) has, by service type, and why that is right. These lists
 * may only shrink.
 */
export interface ShapeException {
  readonly lines: readonly RegExp[]
  readonly why: string
}

export const shapeExceptions: Readonly<Record<string, readonly ShapeException[]>> = {
  compute: [
    {
      lines: [
        /flavors?(\[\])?\.(description|OS-FLV-DISABLED:disabled)$/,
        /aggregates?(\[\])?\.name$/,
        /^GET \/v2\.1\/servers: \+ servers\[\]\.links$/,
        /instanceActions?(\[\])?\.instance_uuid$/,
        /events\[\]\.code$/,
        /keypair\.private_key$/,
        /rules\[\]\.group\.tenant_id$/,
        /servers?(\[\])?\.(locked_reason|pinned_availability_zone)$/,
        /\+ flavors_links$/,
      ],
      why: "The description forgets them, or is older; nova's api-ref and its clients know them.",
    },
    {
      lines: [/hypervisors?_links$/, /\/limits: (\+ limits|- absolute)$/],
      why: 'The description has another name or another place for them than nova and its clients.',
    },
    {
      lines: [
        /quota_(class_)?set\.(networks|floating_ips|fixed_ips|security_groups|security_group_rules)$/,
        /quota_(class_)?set\.injected_file(s|_content_bytes|_path_bytes)$/,
      ],
      why: 'Left out since 2.36 (2.50 for classes) and 2.57, which the description does not say.',
    },
    {
      lines: [/^PUT \/v2\.1\/os-quota-sets\/\{id\}: - quota_set\.id$/],
      why: 'Nova does not repeat the project in the answer to a change.',
    },
    {
      lines: [/^POST \/v2\.1\/os-keypairs: - keypair\.(id|created_at|updated_at|deleted|deleted_at)$/],
      why: 'Shown of a keypair that is looked up, not of one that was just made.',
    },
    {
      lines: [/- servers\[\]\.server_groups$/, /- instanceActions\[\]\.events$/],
      why: 'Shown of one only, not in lists.',
    },
    { lines: [/services?(\[\])?\.name$/], why: 'A service is known by host and binary.' },
  ],
  identity: [
    {
      lines: [/\+ ([\w[\].]+\.)?links$/, /\+ truncated$/],
      why: "Keystone's answers have their addresses, and say when a list is cut; the description has them here and there.",
    },
    {
      lines: [/(user|users\[\])\.password$/, /(user|users\[\])\.description$/],
      why: 'A password is never shown; a description is one of the attributes of which only the maker knows.',
    },
    {
      lines: [/(user|users\[\])\.(password_expires_at|federated)$/],
      why: 'Every user says when his password expires; federated objects are shown of one user who has some.',
    },
    {
      lines: [
        /(domain|domains\[\]|projects\[\]|role|roles\[\])\.(options|tags|domain_id|description|is_domain|parent_id|enabled)$/,
      ],
      why: 'Lists show whole entities, also where the description has a short form.',
    },
    {
      lines: [/(region|regions\[\])\.parent_(region_)?id$/, /- token\.issues_at$/, /\+ token\.issued_at$/],
      why: 'The description misspells the name.',
    },
    {
      lines: [
        /token\.(OS-OAUTH1|OS-TRUST:trust|application_credential|oauth2_credential|service_providers|project\.domain)$/,
        /(endpoint|endpoints\[\])\.(name|region|region_id)$/,
        /(protocol|protocols\[\])\.idp_id$/,
        /application_credentials?(\[\])?\.(system|user_id|roles\[\]\.domain_id)$/,
        /project\.(parents|subtree)$/,
        /groups\[\]\.membership_expires_at$/,
      ],
      why: "The description forgets them; keystone's api-ref and its clients know them.",
    },
    {
      lines: [
        /\/domains\/\{domain_id\}: (\+ domain|- (id|name|description|enabled|tags))$/,
        /\/config.*: (\+ config|- driver)$/,
      ],
      why: 'Everything is under its name, which the description forgets.',
    },
    {
      lines: [
        /role_inferences?(\[\])?\.(prior_role|implies(\[\])?)\.description$/,
        /role_assignments\[\]\.(role\.(description|links)|scope\.OS-TRUST:trust)$/,
        /role_assignments\[\]\.(group\.domain|role\.domain|links\.prior_role|scope\.(domain\.domain|OS-INHERIT:inherited_to))$/,
      ],
      why: 'What keystone shows of the roles and scopes in a relation, where the description is vague.',
    },
  ],
  image: [
    {
      lines: [/locations\[\]\.validation_data$/],
      why: 'Only taken, never shown.',
    },
    {
      lines: [/- (first|next|schema)$/, /^GET \/v2\/tasks: \+ (first|next)$/],
      why: 'Only images, namespaces and tasks are listed in pages.',
    },
    {
      lines: [/^GET \/v2\/tasks: - tasks\[\]\.(input|result|message|image_id|request_id|user_id)$/],
      why: 'A list of tasks leaves out what is long, as in glance.',
    },
    {
      lines: [/\/properties(\/\{property_name\})?: - \w+$/],
      why: 'A property is a JSON schema of its own: all that the description names may be in it.',
    },
    {
      lines: [
        /\+ (objects|resource_type_associations|namespaces\[\]\.resource_type_associations)\[\]\.(created_at|updated_at|self|schema)$/,
      ],
      why: 'Parts of a namespace are shown as they are by themselves.',
    },
    {
      lines: [
        /^GET \/v2\/metadefs\/namespaces: - namespaces\[\]\.(properties|objects|tags)$/,
        /^PUT .*: - (resource_type_associations|properties|objects|tags)$/,
      ],
      why: 'Only one namespace is shown with all that is in it.',
    },
    {
      lines: [/\/tags: (\+ tags|- (name|created_at|updated_at|tags\[\]\.(created_at|updated_at)))$/],
      why: 'Several tags are made and listed by their names.',
    },
    { lines: [/stores\[\]\.read-only$/], why: 'Shown of stores that are; newer than the description.' },
  ],
  network: [
    {
      lines: [/_links$/],
      why: 'A list with a limit has links to the pages beside it.',
    },
    {
      lines: [/\.(project_id|tenant_id)$/],
      why: 'Both names of the owner are shown, as neutron does; the description has now the one and now the other.',
    },
    {
      lines: [
        /^POST .*: \+ (networks|subnets|subnetpools|ports|routers|floatingips|security_groups|security_group_rules|default_security_group_rules|address_groups|address_scopes)$/,
      ],
      why: 'Many are made at once where they are given as a list.',
    },
    {
      lines: [
        /address_groups?(\[\])?\.(created_at|updated_at|revision_number|shared)$/,
        /security_group_rules?(\[\])?\.belongs_to_default_sg$/,
        /subnets?(\[\])?\.router:external$/,
        /allowed_address_pairs\[\]\.(mac_address|max_address)$/,
      ],
      why: 'The description forgets or misspells them.',
    },
    {
      lines: [/extensions?(\[\])?\.(namespace|links)$/],
      why: 'Namespaces were of XML; links are always there and empty.',
    },
    {
      lines: [
        /agents?(\[\])?\.resources_synced$/,
        /floatingips?(\[\])?\.(port_forwardings|qos_policy_id)$/,
        /networks?(\[\])?\.(l2_adjacency|qos_policy_id|segments)$/,
        /ports?(\[\])?\.(data_plane_status|device_profile|dns_domain|hints|ip_allocation|numa_affinity_policy)$/,
        /ports?(\[\])?\.(propagate_uplink_status|qos_network_policy_id|qos_policy_id|resource_request)$/,
        /routers?(\[\])?\.(conntrack_helpers|distributed|enable_ndp_proxy|flavor_id|ha)$/,
        /subnets?(\[\])?\.(dns_publish_fixed_ip|segment_id)$/,
      ],
      why: 'Of extensions that are not offered.',
    },
  ],
  placement: [],
}
