import { option } from '../config/options.ts'

const bothCases = (...names: string[]) => [...names, ...names.map((name) => name[0]!.toUpperCase() + name.slice(1))]

/** Of `[DEFAULT]` of every service. Upstream's default is `none`, for a logrotate beside it; here a log ends by itself. */
export const logOptions = {
  rotationType: option.string('DEFAULT', 'log_rotation_type', 'size', 'What makes a log begin anew.', {
    choices: ['size', 'interval', 'none'],
  }),
  maxSizeMb: option.integer('DEFAULT', 'max_logfile_size_mb', 64, 'Size at which a log begins anew, with type size.', {
    min: 1,
  }),
  maxCount: option.integer('DEFAULT', 'max_logfile_count', 8, 'How many full logs are kept.', { min: 0 }),
  interval: option.integer('DEFAULT', 'log_rotate_interval', 1, 'Intervals that a log lasts, with type interval.', {
    min: 0,
  }),
  intervalType: option.string('DEFAULT', 'log_rotate_interval_type', 'days', 'What an interval is.', {
    choices: bothCases('seconds', 'minutes', 'hours', 'days', 'weekday', 'midnight'),
  }),
}
