import { option } from '../../platform/config/options.ts'

/** Options of glance-api.conf. */
export const options = {
  connection: option.string(
    'database',
    'connection',
    '',
    'SQLAlchemy URL of the database; empty for the embedded one.',
  ),
  imageSizeCap: option.integer('DEFAULT', 'image_size_cap', 1_099_511_627_776, 'Largest image in bytes.', { min: 1 }),
  userStorageQuota: option.integer(
    'DEFAULT',
    'user_storage_quota',
    0,
    'Bytes that the images of one project may take; 0 for no limit.',
    { min: 0 },
  ),
  propertyQuota: option.integer('DEFAULT', 'image_property_quota', 128, 'Properties of an image.'),
  tagQuota: option.integer('DEFAULT', 'image_tag_quota', 128, 'Tags of an image.'),
  memberQuota: option.integer('DEFAULT', 'image_member_quota', 128, 'Members of an image.'),
  limitDefault: option.integer('DEFAULT', 'limit_param_default', 25, 'Images of a page unless asked for more.', {
    min: 1,
  }),
  limitMax: option.integer('DEFAULT', 'api_limit_max', 1000, 'Most images of a page.', { min: 1 }),
  datadir: option.string(
    'glance_store',
    'filesystem_store_datadir',
    '',
    'Folder of the image files; empty for the state directory.',
  ),
}
