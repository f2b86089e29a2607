import { HttpError } from '../../../../platform/http/errors.ts'
import type { IncomingHttpHeaders } from 'node:http'
import { badRequest } from '../../errors.ts'

const refusal = (why: string) => badRequest('BadRequest', `Bad if-match request: ${why}.`)

/** A compare-and-swap by `If-Match: revision_number=N`; call it in the transaction that writes, with the row it read. */
export function requireRevision(headers: IncomingHttpHeaders, row: { id: string; revision: number }): void {
  const conditions = [headers['if-match'] ?? []]
    .flat()
    .flatMap((text) => text.split(','))
    .map((text) => text.trim().replaceAll('"', ''))
    .filter((text) => text.startsWith('revision_number='))
  if (conditions.length > 1) throw refusal('Multiple revision_number etags are not supported')
  const wanted = conditions[0]?.slice('revision_number='.length)
  if (wanted === undefined) return
  if (!/^\d+$/.test(wanted)) throw refusal('Revision number etag must be in the format of revision_number=<int>')
  if (Number(wanted) !== Number(row.revision)) {
    throw new HttpError(412, `Constrained to ${wanted}, but current revision is ${row.revision}`, {
      code: 'RevisionNumberConstraintFailed',
    })
  }
}
