/** What of tempest is run for each service. A service joins with an entry here and a list `<type>.skip` beside it. */
export interface TempestService {
  type: string
  /** Tests to run, as stestr's regular expression. */
  regex: string
  /** Debian packages besides tempest. */
  packages: readonly string[]
  /** Sections of tempest.conf on top of the common ones. */
  options: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** The cloud's `keystone.conf`, `nova.conf`, … where the tests need other than defaults. */
  configs?: Readonly<Record<string, string>>
}

export const services: readonly TempestService[] = [
  {
    type: 'identity',
    regex: '^(tempest\\.api\\.identity|keystone_tempest_plugin)\\.',
    packages: ['keystone-tempest-plugin'],
    options: {
      'identity-feature-enabled': {
        access_rules: 'true',
        application_credentials: 'true',
        domain_specific_drivers: 'true',
        enforce_scope: 'true',
        project_tags: 'true',
        trust: 'true',
      },
    },
  },
]
