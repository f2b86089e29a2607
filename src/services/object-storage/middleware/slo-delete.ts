/** Deletes a static large object with all that it is made of. */
import type { Place } from '../model/names.ts'
import { refuse } from '../wire/answers.ts'
import type { Handler, Request, Response } from '../wire/message.ts'
import { deleteAll } from './bulk-delete.ts'
import { reportAnswer } from './bulk-report.ts'
import type { StoredSegment } from './slo-put.ts'

const most = 10_000

export async function deleteWithSegments(
  next: Handler,
  request: Request,
  { version, account, container, object }: Place & { version: string },
  segmentsOf: (path: string) => Promise<StoredSegment[] | undefined>,
): Promise<Response> {
  const own = `/${container}/${object}`
  const names: string[] = []
  const lists = [own]
  let missing = 0
  for (let list = lists.shift(); list !== undefined; list = lists.shift()) {
    const segments = await segmentsOf(`/${version}/${account}${list}`)
    if (!segments) {
      missing++
      continue
    }
    for (const segment of segments) {
      if ('data' in segment) continue
      if (segment.sub_slo) lists.push(segment.name)
      else names.push(segment.name)
    }
    names.push(list)
    if (names.length + lists.length > most) refuse(400, 'Too many buffered slo segments to delete.')
  }
  // The list goes last: what is cut off can be done again.
  const ordered = [...new Set(names.filter((name) => name !== own)), ...(names.includes(own) ? [own] : [])]
  const { counts, errors } = await deleteAll(next, request, account, ordered)
  const all = { ...counts, 'Number Not Found': counts['Number Not Found']! + missing }
  return reportAnswer(request, 'delete', 200, { counts: all, errors })
}
