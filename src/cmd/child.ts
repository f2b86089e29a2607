/** What the processes that `nephos up` starts and watches have in common. */
import { hostname } from 'node:os'
import { reopenLogFiles } from '../platform/log/log-file.ts'
import { beat, RoleBoard, tell } from '../deployment/role-board.ts'
import { readSettings, type Settings } from '../deployment/settings.ts'

export interface Child {
  stateDir: string
  settings: Settings
  hostName: string
  board: RoleBoard
}

/** Runs until the supervisor says so, or is gone: without it nobody would start this process again after a failure. */
export function runChild(start: (child: Child) => Promise<{ stop(): Promise<void> }>): void {
  beat()
  const begin = async () => {
    const [, , stateDir = ''] = process.argv
    const settings = readSettings(stateDir)
    if (!settings) throw new Error(`${stateDir} has no settings.json; start the cloud with nephos up`)
    const board = new RoleBoard((roles) => tell({ type: 'roles', roles }))
    let running: { stop(): Promise<void> } | undefined
    // What is cut while it starts goes on at the next start.
    const stop = () => void (running ? running.stop() : Promise.resolve()).then(() => process.exit(0))
    process.on('SIGTERM', stop)
    process.on('disconnect', stop)
    process.on('SIGINT', () => undefined)
    process.on('SIGHUP', reopenLogFiles)
    running = await start({ stateDir, settings, hostName: hostname(), board })
  }
  begin().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    tell({ type: 'failed', error: reason })
    console.error(process.env['NEPHOS_LOG'] === 'debug' ? error : reason)
    process.exitCode = 1
    setTimeout(() => process.exit(1), 50)
  })
}
