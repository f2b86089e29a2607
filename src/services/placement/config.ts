import { option } from '../../platform/config/options.ts'

/** Options of placement.conf. */
export const options = {
  connection: option.string(
    'placement_database',
    'connection',
    '',
    'SQLAlchemy URL of the database; empty for the embedded one.',
  ),
}
