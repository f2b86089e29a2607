/** Where nova's answers differ from the OpenAPI file on purpose. These lists may only shrink. */
export const excusedAnswers: readonly { lines: readonly RegExp[]; why: string }[] = [
  {
    lines: [
      /body\.flavors\[\]\.description is (missing|null)$/,
      /^GET \/flavors\/detail: .*description is unknown$/,
      /^GET \/flavors\/\{id\}: .*description is unknown$/,
      /OS-FLV-DISABLED:disabled is unknown$/,
      /extra_specs is missing$/,
    ],
    why: 'The file has no microversions for flavors: a description is there since 2.55, null until set, extra_specs since 2.61.',
  },
  {
    lines: [/^GET \/limits: body\.(absolute is missing|limits is unknown)$/],
    why: 'Nova and its clients put both lists into `limits`.',
  },
  {
    lines: [/body\.aggregates?(\[\])?\.name is unknown$/],
    why: 'The file forgets the name of an aggregate.',
  },
  {
    lines: [/_links is missing$/, /os-instance-actions: body\.links is missing$/],
    why: 'Links are there only when there is a next page.',
  },
  {
    lines: [/hypervisors?(\[\])?\.servers is missing$/],
    why: 'Only with with_servers=true.',
  },
  {
    lines: [/hypervisors?(\[\])?\.uptime is (missing|null)$/],
    why: 'Since 2.88, and null where the driver cannot tell.',
  },
  {
    lines: [/quota_(class_)?set\.networks is missing$/],
    why: "nova-network's, which is gone: nova's default quotas have none.",
  },
  {
    lines: [
      /quota_(class_)?set\.(floating_ips|fixed_ips|security_groups|security_group_rules) is missing$/,
      /quota_(class_)?set\.injected_file(s|_content_bytes|_path_bytes) is missing$/,
    ],
    why: 'Left out since 2.36 (2.50 for classes) and 2.57; the file does not say so.',
  },
  {
    lines: [/detail: body\.quota_set\.injected_files?_(content|path)_bytes is (missing|unknown)$/],
    why: 'The file misspells them here; elsewhere it has the names that nova answers.',
  },
  {
    lines: [/rules\.max_server_per_host is missing$/],
    why: 'Rules that were not given are not shown.',
  },
  {
    lines: [/services\[\]\.name is missing$/, /disabled_reason is null$/],
    why: 'A service is known by host and binary; without a reason nova shows null.',
  },
  {
    lines: [/^GET \/servers: body\.servers\[\]\.links is unknown$/],
    why: 'Every entry of the short list has its links; the file forgets them.',
  },
  {
    lines: [/servers?(\[\])?\.description is (missing|null)$/],
    why: 'Since 2.19, null until set.',
  },
  {
    lines: [/servers?(\[\])?\.fault is missing$/],
    why: 'Only of a server that has one.',
  },
  {
    lines: [/(terminated_at|task_state|user_data) is null$/],
    why: 'Null where there is none, as clients know it.',
  },
  {
    lines: [/servers\[\]\.server_groups is missing$/],
    why: 'Shown with one server only, not in lists.',
  },
  {
    lines: [/locked_reason is unknown$/, /pinned_availability_zone is unknown$/],
    why: "Since 2.73 and 2.96: newer than the file's answers.",
  },
  {
    lines: [/instanceActions\[\]\.events is missing$/, /instance_uuid is unknown$/],
    why: 'Events are shown with one action only; the uuid has always been there.',
  },
  {
    lines: [/quota_class_set\.server_group(s|_members) is missing$/],
    why: 'Of classes since 2.50 only, which the file does not say.',
  },
]
