import { commonOptions } from '../../platform/config/common.ts'
import { option } from '../../platform/config/options.ts'
import { placementDatabaseOptions } from '../../platform/db/options.ts'
import { missingId } from './model/consumer.ts'

/** Options of placement.conf. */
export const options = {
  ...commonOptions,
  connection: option.string(
    'placement_database',
    'connection',
    '',
    'SQLAlchemy URL of the database; empty for the embedded one.',
  ),
  ...placementDatabaseOptions,
  syncOnStartup: option.boolean(
    'placement_database',
    'sync_on_startup',
    true,
    'Bring the schema to its newest version at start; otherwise `placement-manage db sync` does.',
  ),
  randomize: option.boolean(
    'placement',
    'randomize_allocation_candidates',
    false,
    'Give allocation candidates in random order, so that a limit takes a random sample of trees.',
  ),
  maxCandidates: option.integer(
    'placement',
    'max_allocation_candidates',
    -1,
    'The most allocation candidates that one request may find; -1 for any number.',
    { min: -1 },
  ),
  strategy: option.string(
    'placement',
    'allocation_candidates_generation_strategy',
    'depth-first',
    'depth-first: all candidates of a tree before the next; breadth-first: one of each tree by turns.',
    { choices: ['depth-first', 'breadth-first'] },
  ),
  conflictRetries: option.integer(
    'placement',
    'allocation_conflict_retry_count',
    10,
    'Kept for existing files: claims wait for each other here instead of trying again.',
    { min: 1 },
  ),
  incompleteProject: option.string(
    'placement',
    'incomplete_consumer_project_id',
    missingId,
    'Project of consumers whose allocations were made before 1.8 without one.',
  ),
  incompleteUser: option.string(
    'placement',
    'incomplete_consumer_user_id',
    missingId,
    'User of consumers whose allocations were made before 1.8 without one.',
  ),
  enforceNewDefaults: option.boolean(
    'oslo_policy',
    'enforce_new_defaults',
    false,
    'Off: rules that only services pass, administrators pass too, as before the service role.',
  ),
  enforceScope: option.boolean(
    'oslo_policy',
    'enforce_scope',
    true,
    'On: tokens of the system or of a domain are refused, whatever their roles.',
  ),
  corsOrigins: option.list('cors', 'allowed_origin', [], 'Origins of browsers that may call; * for any.'),
  corsCredentials: option.boolean('cors', 'allow_credentials', true, 'Whether browsers may send credentials.'),
  corsExpose: option.list('cors', 'expose_headers', [], 'Answer headers that browsers show to scripts.'),
  corsMaxAge: option.integer('cors', 'max_age', 3600, 'Seconds that browsers remember what is allowed.'),
  corsMethods: option.list(
    'cors',
    'allow_methods',
    ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'PATCH'],
    'Methods that browsers may use.',
  ),
  corsHeaders: option.list('cors', 'allow_headers', [], 'Request headers that browsers may send.'),
}
