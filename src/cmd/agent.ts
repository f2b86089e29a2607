/** The agent process of a host: the only one with privileges. Started and watched by `nephos up`. Arguments: STATE_DIR. */
import { startAgents } from '../deployment/agents.ts'
import { rolesOfKind } from '../deployment/services.ts'
import { runChild } from './child.ts'
import { tell } from '../deployment/role-board.ts'

runChild(async ({ stateDir, settings, hostName, board }) =>
  startAgents({
    stateDir,
    settings,
    hostName,
    roles: rolesOfKind('agent'),
    board,
    remark: (text) => tell({ type: 'remark', text }),
    ready: () => tell({ type: 'ready' }),
  }),
)
