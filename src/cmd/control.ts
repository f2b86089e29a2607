/** The control process: every API and control role; started and watched by `nephos up`. Arguments: STATE_DIR. */
import { flushCompileCache } from 'node:module'
import { hostname } from 'node:os'
import { Secret } from '../platform/auth/secret.ts'
import { reopenLogFiles } from '../platform/log/log-file.ts'
import { startCloud, type Cloud } from './cloud.ts'
import { startFakeHosts } from './fake-hosts.ts'
import { firstUse } from './first-use.ts'
import { createMetrics } from './metrics.ts'
import { beat, RoleBoard, tell } from './roles.ts'
import { addressOf, loadSecrets, portOf, readSettings } from './settings.ts'
import { serviceUsers } from './up.ts'

async function run(stateDir: string) {
  const settings = readSettings(stateDir)
  if (!settings) throw new Error(`${stateDir} has no settings.json; start the cloud with nephos up`)
  const secrets = loadSecrets(stateDir, serviceUsers)
  const board = new RoleBoard((roles) => tell({ type: 'roles', roles }))
  const metrics = createMetrics()
  const hostName = hostname()
  const cloud: Cloud = await startCloud({ stateDir, settings, secrets, hostName, board, observe: metrics.observe })
  const stopFakes = settings.fake
    ? await startFakeHosts(hostName, settings, new Secret(secrets.busKey), stateDir, board)
    : () => Promise.resolve()
  const stopMetrics = await metrics.serve(addressOf(settings, 'metrics'), portOf(settings, 'metrics'))
  const stop = async () => {
    stopMetrics()
    await stopFakes()
    await cloud.stop()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop())
  // Without its supervisor nobody would start this process again after a failure.
  process.on('disconnect', () => void stop())
  process.on('SIGINT', () => undefined)
  process.on('SIGHUP', reopenLogFiles)
  await firstUse(cloud, settings, secrets, stateDir, (text) => tell({ type: 'remark', text }))
  tell({ type: 'ready' })
  flushCompileCache()
}

beat()
run(process.argv[2] ?? '').catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error)
  tell({ type: 'failed', error: reason })
  console.error(process.env['NEPHOS_LOG'] === 'debug' ? error : reason)
  process.exitCode = 1
  setTimeout(() => process.exit(1), 50)
})
