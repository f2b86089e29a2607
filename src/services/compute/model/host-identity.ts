/** Whether an agent is who its host's name says. What is in doubt is for the operator to decide. Pure. */

/** What an agent says of itself before it touches anything. */
export interface Introduction {
  host: string
  /** Made once, kept in the agent's state. */
  id: string
  /** The control plane that it last worked for; null before its first time. */
  cloudId: string | null
  /** How many guests, running or not, it has. */
  guests: number
}

export interface RegisteredAgent {
  host: string
  id: string
}

/** What the control plane knows. */
export interface Registry {
  cloudId: string
  /** Registered under the name that the agent has now. */
  named: RegisteredAgent | undefined
  /** This agent, wherever it is registered. */
  known: RegisteredAgent | undefined
  /** When the host's name was last heard of; undefined for a name that never was. */
  lastSeenAt: number | undefined
  /** Another process answers for the host's name at this moment. */
  isServed: boolean
}

const count = (guests: number) => (guests === 1 ? '1 guest' : `${guests} guests`)

/** Why the agent must not work, what changed, and the remedy; null where nothing is in doubt. */
export function obstacleOf(agent: Introduction, registry: Registry): string | null {
  const { host, guests } = agent
  const { cloudId, named, known, lastSeenAt, isServed } = registry
  if (isServed)
    return `two agents with one name: another agent process serves '${host}' now. End one of them, or give one machine another host name`
  if (known && known.host !== host)
    return `possible rename: this host was '${known.host}' and is '${host}' now; its ${count(guests)} and their ports are known under the old name. Set the name back (hostname ${known.host}), or move everything to the new name: nephos host accept ${host}`
  if (named && named.id !== agent.id)
    return `two agents with one name: '${host}' is registered for another agent (${named.id}${lastSeenAt === undefined ? '' : `, last heard of ${new Date(lastSeenAt).toISOString()}`}). Give this machine another host name, or, where the other one is gone for good: nephos host accept ${host}`
  // Without guests there is nothing to lose.
  if (known || guests === 0) return null
  const remedy = `Start the control plane with the database that knows them, or keep them as unknown guests: nephos host accept ${host}`
  if (agent.cloudId !== null && agent.cloudId !== cloudId)
    return `another control plane: the ${count(guests)} of this host belong to ${agent.cloudId}, and ${cloudId} answers (another or an empty database). ${remedy}`
  // An agent of a release that kept no identity is known by its name.
  if (agent.cloudId === null && lastSeenAt !== undefined) return null
  return `this host has ${count(guests)} and is new to the control plane (an older database?). ${remedy}`
}
