/** `[keystone_authtoken]`, which every service but keystone has: its own user, and how it learns what tokens are good for. */
import { option } from './options.ts'

const section = 'keystone_authtoken'

export const authtokenOptions = {
  authUrl: option.string(section, 'auth_url', '', 'Keystone, where it does not run in this cloud.'),
  wwwAuthenticateUri: option.string(
    section,
    'www_authenticate_uri',
    '',
    'What a 401 names; empty for this cloud’s keystone.',
  ),
  username: option.string(section, 'username', '', 'The service’s user; empty for the one that the cloud has made.'),
  password: option.string(section, 'password', '', 'His password; empty for the one that the cloud has made.'),
  projectName: option.string(section, 'project_name', 'service', 'His project.'),
  userDomainName: option.string(section, 'user_domain_name', 'Default', 'The domain of the user.'),
  userDomainId: option.string(section, 'user_domain_id', '', 'The same by its id.'),
  projectDomainName: option.string(section, 'project_domain_name', 'Default', 'The domain of the project.'),
  projectDomainId: option.string(section, 'project_domain_id', '', 'The same by its id.'),
  tokenCacheTime: option.integer(section, 'token_cache_time', 300, 'Seconds that an answer about a token is kept.', {
    min: -1,
  }),
  serviceTokenRoles: option.list(section, 'service_token_roles', ['service'], 'Roles that make a token a service’s.'),
  serviceTokenRolesRequired: option.boolean(
    section,
    'service_token_roles_required',
    false,
    'A service token without one of these roles is refused.',
  ),
}
