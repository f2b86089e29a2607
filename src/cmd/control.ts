/** The control process: every control role and the bus; started and watched by `nephos up`. Arguments: STATE_DIR. */
import { flushCompileCache } from 'node:module'
import { startControl } from '../deployment/control.ts'
import { removeDrafts } from '../deployment/private-file.ts'
import { busRole, tell } from '../deployment/role-board.ts'
import { rolesOfKind } from '../deployment/services.ts'
import { addressOf, paths, portOf } from '../deployment/settings.ts'
import { runChild } from './child.ts'
import { startFakeHosts } from './fake-hosts.ts'
import { firstUse } from './first-use.ts'
import { createMetrics } from './metrics.ts'

runChild(async ({ stateDir, settings, hostName, board }) => {
  removeDrafts(paths(stateDir).control)
  const metrics = createMetrics()
  const roles = [...rolesOfKind('control'), busRole]
  const control = await startControl({ stateDir, settings, hostName, roles, board, observe: metrics.observe })
  const agents = rolesOfKind('agent')
  const stopFakes = settings.fake
    ? await startFakeHosts({ hostName, settings, stateDir, board, roles: agents })
    : async () => undefined
  const stopMetrics = await metrics.serve(addressOf(settings, 'metrics'), portOf(settings, 'metrics'))
  await firstUse(control, settings, stateDir, (text) => tell({ type: 'remark', text }))
  tell({ type: 'ready' })
  flushCompileCache()
  return {
    async stop() {
      stopMetrics()
      await stopFakes()
      await control.stop()
    },
  }
})
