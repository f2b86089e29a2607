import type { Values } from '../../platform/config/options.ts'
import type { Database } from '../../platform/db/database.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { options } from './config.ts'
import type { FileStore } from './store/files.ts'
import type { ImageSchema } from './store/tables.ts'

/** What glance's operations may use. */
export interface ImageDeps {
  readonly database: Database<ImageSchema>
  readonly config: Values<typeof options>
  readonly files: FileStore
  readonly log: Logger
}
