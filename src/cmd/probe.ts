/** Asks the roles themselves whether they are there, when nobody else can tell. */
import type { RoleState } from '../deployment/role-board.ts'
import { roles } from '../deployment/services.ts'
import { urlOf, type Settings } from '../deployment/settings.ts'

const answersWithin = 2_000

/** The states of roles now; of one without a port nothing is known since `since`. */
export function probeRoles(settings: Settings, states: readonly RoleState[], since: string): Promise<RoleState[]> {
  return Promise.all(
    states.map(async (role) => {
      const port = roles.get(role.role)?.port
      if (!port) return { ...role, state: 'unknown' as const, since, error: null }
      const error = await reasonOfSilence(urlOf(settings, port))
      const state = error === null ? ('up' as const) : ('down' as const)
      return { role: role.role, state, since: new Date().toISOString(), error }
    }),
  )
}

/** Null where anything answers, whatever it says. */
async function reasonOfSilence(url: string): Promise<string | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(answersWithin), redirect: 'manual' })
    await answer.body?.cancel()
    return null
  } catch (error) {
    const { cause, message } = error as Error
    return `${url} does not answer: ${cause instanceof Error ? cause.message : message}`
  }
}
