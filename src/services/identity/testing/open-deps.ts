/** Identity without its API, for tests of what lies below. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import { createLogger } from '../../../platform/log/log.ts'
import type { IdentityDeps } from '../deps.ts'
import { openIdentity } from '../open.ts'
import { createDomain } from '../operations/create-domain.ts'

/** With the default domain and one called `corp`; ends with the test. */
export async function openTestDeps(
  t: TestContext,
  configuration: string,
): Promise<{ deps: IdentityDeps; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-identity-'))
  const file = join(folder, 'keystone.conf')
  writeFileSync(file, configuration.replaceAll('FOLDER', folder))
  const { deps, feed } = await openIdentity({
    stateDir: join(folder, 'state'),
    configFiles: [file],
    databaseUrl: await testDatabaseUrl(folder, 'identity'),
    log: createLogger({ name: 'identity' }),
    baseUrl: 'http://identity',
  })
  await createDomain(deps.database.db, { id: 'default', name: 'Default', description: '' })
  await createDomain(deps.database.db, { id: 'corp-id', name: 'corp', description: '' })
  t.after(async () => {
    await feed.stop()
    await deps.directories.close()
    await deps.database.close()
    rmSync(folder, { recursive: true })
  })
  return { deps, folder }
}
