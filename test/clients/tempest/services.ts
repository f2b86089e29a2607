import { extensions } from '../../../src/services/network/api/extensions.ts'
import type { TestCloud } from '../../cloud.ts'

type Ask = (...argv: string[]) => Promise<string>
export type Sections = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What of tempest is run for each service. A service joins with an entry here and a list `<type>.skip` beside it. */
export interface TempestService {
  type: string
  /** Tests to run, as stestr's regular expression. */
  regex: string
  /** Debian packages besides tempest. */
  packages: readonly string[]
  /**
   * Sections of tempest.conf on top of the common ones; `url` is where a service of the cloud is, `ask` gives what a command
   * says that runs there as the administrator.
   */
  options: Sections | ((url: TestCloud['url'], ask: Ask) => Sections | Promise<Sections>)
  /** Run by Python before tempest. */
  python?: string
  /** Files of the cloud's configuration (`keystone/keystone.conf`), where the tests need other than defaults. */
  configs?: Readonly<Record<string, string>>
}

export const services: readonly TempestService[] = [
  {
    type: 'identity',
    regex: '^(tempest\\.api\\.identity|keystone_tempest_plugin)\\.',
    packages: ['keystone-tempest-plugin'],
    // What tempest's own defaults expect of a cloud with the rules of security_compliance; cheap hashes, for each of
    // the 250 classes makes users and logs them in.
    configs: {
      'keystone/keystone.conf':
        '[identity]\npassword_hash_rounds = 4\n[security_compliance]\nlockout_failure_attempts = 2\nlockout_duration = 5\nunique_last_password_count = 2\n',
    },
    options: {
      'identity-feature-enabled': {
        access_rules: 'true',
        application_credentials: 'true',
        domain_specific_drivers: 'true',
        enforce_scope: 'true',
        project_tags: 'true',
        security_compliance: 'true',
        trust: 'true',
      },
    },
  },
  {
    type: 'network',
    regex: '^(tempest\\.api\\.network|neutron_tempest_plugin\\.api)\\.',
    packages: ['neutron-tempest-plugin'],
    options: async (_url, ask) => ({
      network: {
        public_network_id: await ask('openstack', 'network', 'show', 'provider', '-f', 'value', '-c', 'id'),
        floating_network_name: 'provider',
      },
      'network-feature-enabled': {
        api_extensions: extensions.map(([alias]) => alias).join(','),
        ipv6: 'true',
        ipv6_subnet_attributes: 'true',
        port_security: 'true',
      },
      neutron_plugin_options: { available_type_drivers: 'flat,vlan,local,vxlan', agent_availability_zone: 'nova' },
    }),
    // Its client waits ten seconds before each of some hundred deletions of a subnet.
    python: 'import time\nwait = time.sleep\ntime.sleep = lambda seconds: wait(seconds if seconds < 9 else 0.05)\n',
  },
  {
    type: 'image',
    regex: '^(tempest\\.api\\.image|glance_tempest_plugin)\\.',
    packages: ['glance-tempest-plugin'],
    // Two stores and a third that reads from the web; what is downloaded comes from this cloud's own keystone.
    configs: {
      'glance/glance-api.conf':
        '[DEFAULT]\nenabled_backends = file:file, second:file, web:http\nshow_multiple_locations = true\n[glance_store]\ndefault_backend = file\n[import_filtering_opts]\nallowed_ports =\nallowed_networks = 127.0.0.1/32\n',
      // Tempest is older than the default that only administrators remove locations.
      'glance/policy.yaml': '"delete_image_location": "rule:default"\n',
    },
    options: (url) => ({
      image: { http_image: `${url('identity')}/v3`, image_caching_enabled: 'true', build_timeout: '60' },
      'image-feature-enabled': { import_image: 'true', os_glance_reserved: 'true', manage_locations: 'true' },
      enforce_scope: { glance: 'true' },
    }),
  },
]
