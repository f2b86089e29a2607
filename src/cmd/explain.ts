import { listEvents, type TimelineEvent, type TimelineSchema } from '../platform/saga/timeline.ts'
import type { Arguments } from './arguments.ts'
import { askDatabase } from './service-database.ts'

/** `nephos explain ID`: the timeline of a server or port, read from the services' databases, also while they are down. */
export async function explain(args: Arguments): Promise<number> {
  const [id] = args.rest
  if (!id) throw new Error('explain needs the id of a server or port, e.g. nephos explain 3f0c…')
  const events = (await Promise.all(['compute', 'network'].map((type) => eventsOf(args.stateDir, type, id)))).flat()
  events.sort((a, b) => a.at - b.at)
  if (args.json) console.log(JSON.stringify(events))
  else if (events.length === 0) console.log(`Nothing is known of ${id}.`)
  else for (const line of story(events)) console.log(line)
  return events.length === 0 ? 1 : 0
}

const eventsOf = async (stateDir: string, type: string, id: string): Promise<TimelineEvent[]> =>
  (await askDatabase<TimelineSchema, TimelineEvent[]>(stateDir, type, ({ db }) => listEvents(db, id))) ?? []

function story(events: readonly TimelineEvent[]): string[] {
  const marks = { done: 'ok    ', failed: 'FAILED', info: '      ' }
  let request: string | null = null
  return events.flatMap((event) => {
    const lines: string[] = []
    if (event.requestId && event.requestId !== request) lines.push(`request ${event.requestId}`)
    request = event.requestId ?? request
    const took = event.durationMs === undefined ? '' : `${event.durationMs} ms`
    const time = new Date(event.at).toISOString().slice(0, 23)
    lines.push(
      `  ${time}  ${took.padStart(9)}  ${marks[event.outcome]}  ${event.what}${event.detail ? `: ${event.detail}` : ''}`,
    )
    return lines
  })
}
