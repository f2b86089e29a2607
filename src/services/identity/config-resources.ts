import { option } from '../../platform/config/options.ts'

const listLimit = (section: string, help: string) =>
  option.integer(section, 'list_limit', 0, `${help} 0: as [DEFAULT] list_limit says.`, { min: 0 })

/** Options of keystone.conf about listings, the catalog, assignments, limits and domain configurations. */
export const resourceOptions = {
  listLimit: option.integer('DEFAULT', 'list_limit', 0, 'Most entities in one listing; 0: all of them.', { min: 0 }),
  maxDbLimit: option.integer('DEFAULT', 'max_db_limit', 1000, 'Most entities that a request may ask for.', { min: 0 }),
  identityListLimit: listLimit('identity', 'Most users or groups in one listing.'),
  resourceListLimit: listLimit('resource', 'Most projects or domains in one listing.'),
  roleListLimit: listLimit('role', 'Most roles in one listing.'),
  catalogListLimit: listLimit('catalog', 'Most regions, services or endpoints in one listing.'),
  policyListLimit: listLimit('policy', 'Most policies in one listing.'),
  unifiedLimitListLimit: listLimit('unified_limit', 'Most limits in one listing.'),
  enforceScope: option.boolean(
    'oslo_policy',
    'enforce_scope',
    true,
    'Whether a token of a scope that a policy is not meant for is refused, whatever its roles.',
  ),
  enforcementModel: option.string(
    'unified_limit',
    'enforcement_model',
    'flat',
    'How limits of a project tree relate.',
    {
      choices: ['flat', 'strict_two_level'],
    },
  ),
  returnAllEndpoints: option.boolean(
    'endpoint_filter',
    'return_all_endpoints_if_no_filter',
    true,
    'A project without endpoint filters sees every endpoint; false: none.',
  ),
  prohibitedImpliedRoles: option.list(
    'assignment',
    'prohibited_implied_role',
    ['admin'],
    'Names of roles that no other role may imply.',
  ),
  projectNameUrlSafe: option.string(
    'resource',
    'project_name_url_safe',
    'off',
    'Whether project names may be unsafe in URLs.',
    {
      choices: ['off', 'new', 'strict'],
    },
  ),
  domainNameUrlSafe: option.string(
    'resource',
    'domain_name_url_safe',
    'off',
    'Whether domain names may be unsafe in URLs.',
    {
      choices: ['off', 'new', 'strict'],
    },
  ),
} as const
