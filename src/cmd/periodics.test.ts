import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { waitFor } from '../base/wait.ts'
import { openDatabase } from '../platform/db/database.ts'
import { leasesOf } from '../platform/db/lease.ts'
import { migrate } from '../platform/db/migrate.ts'
import { createLogger } from '../platform/log/log.ts'
import { startPeriodics } from '../platform/periodic/periodic.ts'
import { migrations } from '../services/image/open.ts'
import type { ImageSchema } from '../services/image/store/tables.ts'
import { periodicTable, readPeriodics, troubles } from './periodics.ts'
import { databaseFileOf, databaseUrlOf } from '../deployment/service-files.ts'
import { paths } from '../deployment/settings.ts'

const log = createLogger({ name: 'test', level: 'fatal' })
const hour = 3_600_000

/** A cloud's state directory with the database of glance, whose process does two things. */
async function setUp(t: TestContext) {
  const stateDir = mkdtempSync(join(tmpdir(), 'nephos-periodics-'))
  mkdirSync(paths(stateDir).service('image'), { recursive: true })
  const database = openDatabase<ImageSchema>(databaseUrlOf(stateDir, 'image'))
  await migrate(database, migrations)
  const leases = leasesOf(database, { log })
  await leases.start()
  const stop = startPeriodics({ database, leases, log }, [
    { name: 'sweep', everyMs: 5, run: async () => undefined },
    { name: 'dig', everyMs: 5, run: () => Promise.reject(new Error('the ground\nis frozen')) },
  ])
  t.after(async () => {
    await stop()
    await leases.stop()
    await database.close()
    rmSync(stateDir, { recursive: true })
  })
  const read = async () => (await readPeriodics(stateDir, 0)).periodics
  await waitFor(async () => (await read()).length === 2, { what: 'both are on record', timeoutMs: 20_000 })
  return { stateDir, database, owner: leases.owner, read }
}

test('each has its last and its next turn, its process and its error', async (t) => {
  const { owner, read } = await setUp(t)
  const [dig, sweep] = await read()
  assert.deepEqual([dig!.service, dig!.name, dig!.owner, dig!.error], ['image', 'dig', owner, 'the ground\nis frozen'])
  assert.deepEqual([sweep!.name, sweep!.error, sweep!.isLate], ['sweep', null, false])
  assert.equal(sweep!.nextAt, sweep!.endedAt + 5)
  const [head, ...rows] = periodicTable([dig!, sweep!])
  assert.match(head!, /^SERVICE +PERIODIC +LAST +NEXT +PROCESS +LAST ERROR$/)
  assert.match(rows[0]!, new RegExp(`^image +dig +20.*Z +20.*Z +\\S+/${process.pid} +the ground; is frozen$`))
})

test('in short only what failed or is late is told', async (t) => {
  const { stateDir, read } = await setUp(t)
  const [dig, sweep] = await read()
  assert.deepEqual(troubles([sweep!]), [])
  assert.match(troubles([dig!, sweep!]).join('\n'), /^image: "dig" failed at 20\S+: the ground; is frozen$/)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + hour })
  const late = (await readPeriodics(stateDir, 0)).periodics[1]!
  assert.match(
    troubles([late]).join(),
    /^image: "sweep" is late: it ended last at 20\S+ and was to begin again at 20\S+$/,
  )
  const justStarted = (await readPeriodics(stateDir, Date.now())).periodics[1]!
  assert.deepEqual(troubles([justStarted]), [], 'a cloud that was off has not been late')
})

test('a database that cannot be read is told, and the others are shown', async (t) => {
  const { stateDir } = await setUp(t)
  mkdirSync(paths(stateDir).service('compute'), { recursive: true })
  writeFileSync(databaseFileOf(stateDir, 'compute'), 'this is no database, however long one looks at it')
  const { periodics, remarks } = await readPeriodics(stateDir, 0)
  assert.equal(periodics.length, 2)
  assert.match(remarks.join(), /^the database of compute cannot be read: /)
})
