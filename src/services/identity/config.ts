import { commonOptions } from '../../platform/config/common.ts'
import { databaseOptions } from '../../platform/db/options.ts'
import { option, type Values } from '../../platform/config/options.ts'
import { federationOptions } from './config-federation.ts'
import { directoryOptions, ldapOptions } from './config-ldap.ts'
import { resourceOptions } from './config-resources.ts'

/** What `[auth] methods` allows when nothing is configured; the first six are keystone's default and give the bits of its tokens. */
export const defaultMethods = ['external', 'password', 'token', 'oauth1', 'mapped', 'application_credential', 'totp']

const tokenOptions = {
  provider: option.string('token', 'provider', 'fernet', 'Kind of tokens.', {
    choices: ['fernet', 'jws'],
    // As guides up to Pike write it.
    formerly: Object.fromEntries(
      ['fernet', 'uuid', 'pki', 'pkiz'].flatMap((kind) => {
        const names = [`keystone.token.providers.${kind}.Provider`, ...(kind === 'fernet' ? [] : [kind])]
        return names.map((name) => [name, 'fernet'])
      }),
    ),
  }),
  expiration: option.integer('token', 'expiration', 3600, 'Seconds that a token lives.', { min: 1 }),
  allowExpiredWindow: option.integer(
    'token',
    'allow_expired_window',
    172_800,
    'Seconds after expiry in which services may still fetch a token.',
    { min: 0 },
  ),
  allowRescope: option.boolean('token', 'allow_rescope_scoped_token', true, 'A scoped token may be exchanged.'),
  maxTokenSize: option.integer('DEFAULT', 'max_token_size', 255, 'Longest fernet token in characters.', { min: 1 }),
  keyRepository: option.string(
    'fernet_tokens',
    'key_repository',
    '',
    'Folder of the fernet keys; empty for the state directory.',
  ),
  maxActiveKeys: option.integer('fernet_tokens', 'max_active_keys', 3, 'Keys kept at rotation.', { min: 1 }),
  jwsPublicKeys: option.string(
    'jwt_tokens',
    'jws_public_key_repository',
    '',
    'Folder of the public keys that tokens are checked with; empty for the state directory.',
  ),
  jwsPrivateKeys: option.string(
    'jwt_tokens',
    'jws_private_key_repository',
    '',
    'Folder that holds private.pem, which tokens are signed with; empty for the state directory.',
  ),
  receiptExpiration: option.integer('receipt', 'expiration', 300, 'Seconds that an authentication receipt lives.', {
    min: 0,
    max: 86_400,
  }),
  receiptKeyRepository: option.string(
    'fernet_receipts',
    'key_repository',
    '',
    'Folder of the keys of authentication receipts; empty for the state directory.',
  ),
  receiptMaxActiveKeys: option.integer('fernet_receipts', 'max_active_keys', 3, 'Keys kept at rotation.', { min: 1 }),
}

const complianceOptions = {
  inactiveDays: option.integer(
    'security_compliance',
    'disable_user_account_days_inactive',
    0,
    'Days without a login after which a user counts as disabled; 0 for never.',
    { min: 0 },
  ),
  lockoutAttempts: option.integer(
    'security_compliance',
    'lockout_failure_attempts',
    0,
    'Failed logins after which a user is locked; 0 for never.',
    { min: 0 },
  ),
  lockoutDuration: option.integer('security_compliance', 'lockout_duration', 1800, 'Seconds that a lock lasts.', {
    min: 0,
  }),
  passwordExpiresDays: option.integer(
    'security_compliance',
    'password_expires_days',
    0,
    'Days that a password lasts; 0 for ever.',
    { min: 0 },
  ),
  uniquePasswords: option.integer(
    'security_compliance',
    'unique_last_password_count',
    0,
    'How many of the last passwords a new one must differ from.',
    { min: 0 },
  ),
  minimumPasswordAge: option.integer(
    'security_compliance',
    'minimum_password_age',
    0,
    'Days before a user may change his own password again.',
    { min: 0 },
  ),
  passwordRegex: option.string('security_compliance', 'password_regex', '', 'Pattern that a password must match.'),
  passwordRegexDescription: option.string(
    'security_compliance',
    'password_regex_description',
    '',
    'What the pattern asks for, in words for the user.',
  ),
  changeOnFirstUse: option.boolean(
    'security_compliance',
    'change_password_upon_first_use',
    false,
    'A password that an administrator has set must be changed before it can be used.',
  ),
}

const delegationOptions = {
  allowRedelegation: option.boolean('trust', 'allow_redelegation', false, 'Trusts may be delegated further.'),
  maxRedelegationCount: option.integer('trust', 'max_redelegation_count', 3, 'Longest chain of trusts.', { min: 0 }),
  applicationCredentialLimit: option.integer(
    'application_credential',
    'user_limit',
    -1,
    'Most application credentials of a user; -1 for no limit.',
    { min: -1 },
  ),
  credentialKeyRepository: option.string(
    'credential',
    'key_repository',
    '',
    'Folder of the keys that credentials are encrypted with; empty for the state directory.',
  ),
  credentialAuthTtl: option.integer(
    'credential',
    'auth_ttl',
    15,
    'Minutes around now in which a signed EC2 or S3 request is accepted.',
    { min: 1 },
  ),
  credentialLimit: option.integer('credential', 'user_limit', -1, 'Most credentials of a user; -1 for no limit.', {
    min: -1,
  }),
  totpWindows: option.integer(
    'totp',
    'included_previous_windows',
    1,
    'Earlier windows of 30 seconds in which a passcode is still accepted.',
    { min: 0, max: 10 },
  ),
}

/** Options of keystone.conf. */
export const options = {
  ...commonOptions,
  publicEndpoint: option.string(
    'DEFAULT',
    'public_endpoint',
    '',
    'URL that links begin with; empty for the own address.',
  ),
  ...resourceOptions,
  connection: option.string(
    'database',
    'connection',
    '',
    'SQLAlchemy URL of the database; empty for the embedded one.',
  ),
  ...databaseOptions,
  authMethods: option.list('auth', 'methods', defaultMethods, 'Ways to authenticate.'),
  defaultDomainId: option.string('identity', 'default_domain_id', 'default', 'Domain of callers that name none.'),
  maxProjectTreeDepth: option.integer('DEFAULT', 'max_project_tree_depth', 5, 'Levels of projects below a domain.', {
    min: 1,
  }),
  passwordHashRounds: option.integer('identity', 'password_hash_rounds', 12, 'Cost of bcrypt.', { min: 4, max: 31 }),
  maxPasswordLength: option.integer('identity', 'max_password_length', 4096, 'Longest password in characters.', {
    min: 1,
  }),
  ...tokenOptions,
  ...complianceOptions,
  ...delegationOptions,
  ...federationOptions,
  ...directoryOptions,
}

/** Those that a file may have: [ldap] is for the directory of the default domain, or of the domain of the file. */
export const fileOptions = { ...options, ...ldapOptions }

export type IdentityConfig = Values<typeof options>
