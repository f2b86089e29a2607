import { extensions } from '../../../src/services/network/api/extensions.ts'
import { collect, type TestCloud } from '../../cloud.ts'

/** What of tempest is run for each service. A service joins with an entry here and a list `<type>.skip` beside it. */
export interface TempestService {
  type: string
  /** Tests to run, as stestr's regular expression. */
  regex: string
  /** Debian packages besides tempest. */
  packages: readonly string[]
  /** Sections of tempest.conf on top of the common ones. */
  options: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** What tempest.conf must know of this cloud; commands begin with `prefix` to reach it. */
  optionsOf?(
    cloud: TestCloud,
    prefix: readonly string[],
  ): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>>
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
    options: {
      'network-feature-enabled': { ipv6: 'true', ipv6_subnet_attributes: 'true', port_security: 'true' },
      neutron_plugin_options: { available_type_drivers: 'flat,vlan,local,vxlan', agent_availability_zone: 'nova' },
    },
    async optionsOf(cloud, prefix) {
      const show = [...prefix, 'openstack', 'network', 'show', 'provider', '-f', 'value', '-c', 'id']
      const { output } = await collect(show, { ...cloud.environment('admin'), PYTHONWARNINGS: 'ignore' })
      return {
        network: { public_network_id: output.trim(), floating_network_name: 'provider' },
        'network-feature-enabled': { api_extensions: extensions.map(([alias]) => alias).join(',') },
      }
    },
    // Its client waits ten seconds before each of some hundred deletions of a subnet.
    python: 'import time\nwait = time.sleep\ntime.sleep = lambda seconds: wait(seconds if seconds < 9 else 0.05)\n',
  },
]
