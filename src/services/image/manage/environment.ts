/** What glance's commands stand on: the configuration, the database, the stores. */
import type { ManageEnv } from '../../../platform/manage/command.ts'
import type { Database } from '../../../platform/db/database.ts'
import { readImageConfig, type ImageConfig } from '../config.ts'
import type { ImageDeps } from '../deps.ts'
import { openImage, openImageDatabase } from '../open.ts'
import type { ImageSchema } from '../store/tables.ts'

/** Works on a database as it is; nothing is migrated. */
export async function withDatabase<T>(
  env: ManageEnv,
  work: (database: Database<ImageSchema>, config: ImageConfig) => Promise<T>,
): Promise<T> {
  const config = readImageConfig(env.configFiles)
  const database = openImageDatabase(env, config)
  try {
    return await work(database, config)
  } finally {
    await database.close()
  }
}

const nobody = { send: () => Promise.reject(new Error('a command asks no other service')) }

/** Works on a whole glance beside one that may run: nothing is cleaned up or resumed. */
export async function withImage<T>(env: ManageEnv, work: (deps: ImageDeps) => Promise<T>): Promise<T> {
  const deps = await openImage({
    ...env,
    policyOverrides: {},
    region: '',
    connect: () => nobody,
    serviceToken: () => Promise.resolve(''),
  })
  try {
    return await work(deps)
  } finally {
    await deps.digests.close()
    await deps.database.close()
  }
}
