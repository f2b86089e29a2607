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
      lines: [/\/flavors\/\{id\}\/action takes /, /\/os-aggregates\/\{id\}\/action takes /],
      why: 'The description has a schema for each action; here one has them all, of which a body has exactly one.',
    },
    {
      lines: [/os-quota-sets.* asks \+ user_id$/],
      why: 'Limits of users are gone; the parameter is still taken, as nova does.',
    },
    {
      lines: [
        /flavors?(\[\])?\.(description|OS-FLV-DISABLED:disabled)$/,
        /aggregates?(\[\])?\.name$/,
        /^GET \/v2\.1\/servers answers \+ servers\[\]\.links$/,
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
      lines: [/hypervisors?_links$/, /\/limits answers (\+ limits|- absolute)$/],
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
      lines: [/^PUT \/v2\.1\/os-quota-sets\/\{id\} answers - quota_set\.id$/],
      why: 'Nova does not repeat the project in the answer to a change.',
    },
    {
      lines: [/^POST \/v2\.1\/os-keypairs answers - keypair\.(id|created_at|updated_at|deleted|deleted_at)$/],
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
      lines: [/^POST \/v3\/auth\/tokens takes /, /takes need not have mapping\.rules$/],
      why: 'What a method, or a version of the rules, needs is its own to say, with its own message.',
    },
    {
      lines: [/\/OS-FEDERATION\/saml2(\/ecp)? takes /],
      why: 'The description has the body of a login; keystone takes a token and a service provider.',
    },
    {
      lines: [
        /\/domains(\/\{domain_id\})? takes (\+ domain|- (name|description|enabled|tags))$/,
        /\/config.* takes (\+ config|- driver)$/,
      ],
      why: 'Everything is under its name, which the description forgets.',
    },
    {
      lines: [/takes - (endpoint|group|project|region|role|service)\.(id|links)$/, /takes - group\.domain_id$/],
      why: 'Not of a new or changed entity: ids are made here, a group stays in its domain.',
    },
    {
      lines: [/takes \+ endpoint\.description$/, /takes \+ application_credential\.project_id$/],
      why: 'What clients repeat of an entity that they have read.',
    },
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
        /\/domains\/\{domain_id\} answers (\+ domain|- (id|name|description|enabled|tags))$/,
        /\/config.* answers (\+ config|- driver)$/,
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
      lines: [/- (first|next|schema)$/, /^GET \/v2\/tasks answers \+ (first|next)$/],
      why: 'Only images, namespaces and tasks are listed in pages.',
    },
    {
      lines: [/^GET \/v2\/tasks answers - tasks\[\]\.(input|result|message|image_id|request_id|user_id)$/],
      why: 'A list of tasks leaves out what is long, as in glance.',
    },
    {
      lines: [/\/properties(\/\{property_name\})? answers - \w+$/],
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
        /^GET \/v2\/metadefs\/namespaces answers - namespaces\[\]\.(properties|objects|tags)$/,
        /^PUT .* answers - (resource_type_associations|properties|objects|tags)$/,
      ],
      why: 'Only one namespace is shown with all that is in it.',
    },
    {
      lines: [/\/tags answers (\+ tags|- (name|created_at|updated_at|tags\[\]\.(created_at|updated_at)))$/],
      why: 'Several tags are made and listed by their names.',
    },
    { lines: [/stores\[\]\.read-only$/], why: 'Shown of stores that are; newer than the description.' },
  ],
  network: [
    {
      lines: [/takes - network\.(ha|provider:\w+)$/],
      why: 'Of the network of HA routers, which are not offered; what a network is wired by stays as it was made.',
    },
    {
      lines: [/need not have (router\.external_gateway_info\.network_id|subnet\.ip_version)$/],
      why: 'An empty gateway takes it away; a subnet pool or a prefix says the version. What is missing is refused with its own message.',
    },
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
        /^POST .* (takes|answers) \+ (networks|subnets|subnetpools|ports|routers|floatingips|security_groups|security_group_rules|default_security_group_rules|address_groups|address_scopes)$/,
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
  placement: [{ lines: [/ asks \+ /], why: 'The description has no parameters.' }],
}
