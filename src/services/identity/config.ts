import { option } from '../../platform/config/options.ts'
import { federationOptions } from './config-federation.ts'

/** Options of keystone.conf. */
export const options = {
  connection: option.string(
    'database',
    'connection',
    '',
    'SQLAlchemy URL of the database; empty for the embedded one.',
  ),
  provider: option.string('token', 'provider', 'fernet', 'Kind of tokens.', { choices: ['fernet'] }),
  expiration: option.integer('token', 'expiration', 3600, 'Seconds that a token lives.', { min: 1 }),
  allowExpiredWindow: option.integer(
    'token',
    'allow_expired_window',
    172_800,
    'Seconds after expiry in which services may still fetch a token.',
    { min: 0 },
  ),
  keyRepository: option.string(
    'fernet_tokens',
    'key_repository',
    '',
    'Folder of the fernet keys; empty for the state directory.',
  ),
  maxActiveKeys: option.integer('fernet_tokens', 'max_active_keys', 3, 'Keys kept at rotation.', { min: 1 }),
  passwordHashRounds: option.integer('identity', 'password_hash_rounds', 10, 'Cost of bcrypt.', { min: 4, max: 31 }),
  maxPasswordLength: option.integer('identity', 'max_password_length', 4096, 'Longest password in characters.', {
    min: 1,
  }),
  maxTokenSize: option.integer('DEFAULT', 'max_token_size', 255, 'Longest token accepted.', { min: 1 }),
  ...federationOptions,
}
