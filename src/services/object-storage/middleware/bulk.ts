/** Archives are taken apart into objects, and many objects are deleted at once. */
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { encodePath, splitApiPath, type Place } from '../model/names.ts'
import { answer, answered, Refusal } from '../wire/answers.ts'
import { isSuccess, subrequest, type Handler, type Request, type Response } from '../wire/message.ts'
import { bulkDelete, tokensOf } from './bulk-delete.ts'
import { reportAnswer, statusText } from './bulk-report.ts'
import type { Middleware, Options } from './middleware.ts'
import { filesOf, type TarFile } from './tar.ts'

const limitsOf = (options: Options) => ({
  max_containers_per_extraction: options.number('max_containers_per_extraction', 10_000),
  max_failed_extractions: options.number('max_failed_extractions', 1000),
  max_deletes_per_request: options.number('max_deletes_per_request', 10_000),
  max_failed_deletes: options.number('max_failed_deletes', 1000),
})

type Limits = ReturnType<typeof limitsOf>

export const bulk: Middleware = {
  info(options) {
    const { max_containers_per_extraction, max_failed_extractions, max_deletes_per_request, max_failed_deletes } =
      limitsOf(options)
    return {
      bulk_upload: { max_containers_per_extraction, max_failed_extractions },
      bulk_delete: { max_deletes_per_request, max_failed_deletes },
    }
  },
  wrap(next, { options }) {
    const limits = limitsOf(options)
    return (request) =>
      answered(async () => {
        const { method, query } = request
        const format = query.get('extract-archive')
        const place = splitApiPath(request.path)
        if (place && format !== undefined && method === 'PUT') return extract(next, request, place, format, limits)
        const isDelete = query.has('bulk-delete') && (method === 'DELETE' || method === 'POST')
        return place && isDelete ? bulkDelete(next, request, place.account, limits) : next(request)
      })
  },
}

/** The archive's bytes; undefined for a compression that Node does not know. */
function opened(body: Readable, format: string): AsyncIterable<Buffer> | undefined {
  if (format === 'tar') return body
  if (format !== 'tar.gz') return undefined
  const unzipped = createGunzip()
  body.once('error', (error) => unzipped.destroy(error))
  return body.pipe(unzipped)
}

async function extract(
  next: Handler,
  request: Request,
  place: Place & { version: string },
  format: string,
  limits: Limits,
): Promise<Response> {
  const archive = opened(request.body ?? Readable.from([]), format)
  if (!archive) return answer(400, 'Unsupported archive format')
  const errors: (readonly [string, string])[] = []
  const containers = new Set<string>()
  let created = 0
  let refused: string | undefined
  try {
    for await (const file of filesOf(archive)) {
      const target = targetOf(place, file.name)
      if (!target) continue
      const status = await store(next, request, file, target, containers, limits)
      if (isSuccess({ status })) created++
      else errors.push([encodePath(target.name), statusText(status)])
      if (status === 401 || errors.length >= limits.max_failed_extractions) break
    }
  } catch (error) {
    refused = reasonOf(error)
  }
  if (created === 0 && errors.length === 0) refused ??= 'Invalid Tar File: No Valid Files'
  return reportAnswer(request, 'extract', 201, { counts: { 'Number Files Created': created }, errors, refused })
}

/** Archives are of clients: what is wrong with them is theirs. */
function reasonOf(error: unknown): string {
  if (error instanceof Refusal && typeof error.response.body === 'string') return error.response.body
  const { code } = error as NodeJS.ErrnoException
  if (code?.startsWith('Z_') || code === 'ERR_TRAILING_JUNK_AFTER_STREAM_END')
    return 'Invalid Tar File: cannot be decompressed'
  throw error
}

interface Target {
  /** `/v1/account/container` */
  readonly containerPath: string
  readonly path: string
  /** Below the account. */
  readonly name: string
}

/** Where a file goes: below what the request names; undefined for one that would be no object. */
function targetOf(
  { version, account, container, object }: Place & { version: string },
  name: string,
): Target | undefined {
  const clean = name.replace(/^(\.?\/)+/, '')
  const below = [container, object, clean].filter((part) => part !== undefined && part !== '').join('/')
  const at = below.indexOf('/')
  if (at <= 0 || at === below.length - 1 || clean === '') return undefined
  const base = `/${version}/${account}`
  return { containerPath: `${base}/${below.slice(0, at)}`, path: `${base}/${below}`, name: `/${below}` }
}

async function store(
  next: Handler,
  request: Request,
  file: TarFile,
  target: Target,
  containers: Set<string>,
  { max_containers_per_extraction: most }: Limits,
): Promise<number> {
  const send = (change: Parameters<typeof subrequest>[1]) => next(subrequest(request, change, { source: 'EA' }))
  const tokens = tokensOf(request)
  if (!containers.has(target.containerPath)) {
    if (containers.size >= most) return 400
    const { status } = await send({ method: 'HEAD', path: target.containerPath, headers: tokens })
    if (status === 404) {
      const made = await send({
        method: 'PUT',
        path: target.containerPath,
        headers: { ...tokens, 'content-length': '0' },
      })
      if (!isSuccess(made)) return made.status
    } else if (!isSuccess({ status })) return status
    containers.add(target.containerPath)
  }
  const headers = { ...tokens, 'content-length': String(file.size) }
  const body = Readable.from(file.content(), { objectMode: false })
  return (await send({ method: 'PUT', path: target.path, headers, body })).status
}
