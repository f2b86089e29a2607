/** Answers to conditional requests and to those for parts: what the client has, or does not want, is not sent. */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { isSliceable, isSuccess, type Headers, type Request, type Response, type Sliceable } from './message.ts'
import { answer } from './answers.ts'
import { parseRanges, rangesWithin, type Range } from './ranges.ts'

/** An entity tag without its quotes. */
export const bareEtag = (text: string): string => {
  const etag = text.trim().replace(/^W\//, '')
  return etag.startsWith('"') && etag.endsWith('"') ? etag.slice(1, -1) : etag
}

const matches = (list: string, etags: readonly string[], exists: boolean): boolean =>
  list.split(',').some((each) => (each.trim() === '*' ? exists : etags.includes(bareEtag(each))))

const secondsIn = (text: string | undefined): number | undefined => {
  const moment = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(moment) ? undefined : Math.floor(moment / 1000)
}

/** The answer in place of `response` where a condition of the request says so; `etag` is another one than it shows. */
function refusedBy(headers: Headers, response: Response, etag: string | undefined): Response | undefined {
  const exists = isSuccess(response)
  const own = etag ?? response.headers['etag']
  const etags = exists && own ? [bareEtag(own)] : []
  const modified = secondsIn(response.headers['last-modified'])
  const bare = ({ 'content-length': _length, 'content-type': _type, ...rest }: Headers) => rest
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers
  if (ifNoneMatch && matches(ifNoneMatch, etags, exists)) {
    const status = 304
    return { status, headers: bare(response.headers) }
  }
  if (ifMatch && !matches(ifMatch, etags, exists)) return { ...answer(412), headers: precondition(response) }
  if (response.status === 404) return undefined
  const since = secondsIn(headers['if-modified-since'])
  if (since !== undefined && modified !== undefined && modified <= since)
    return { status: 304, headers: bare(response.headers) }
  const until = secondsIn(headers['if-unmodified-since'])
  if (until !== undefined && modified !== undefined && modified > until)
    return { ...answer(412), headers: precondition(response) }
  return undefined
}

const precondition = ({ headers }: Response): Headers => {
  const { 'content-length': _length, ...rest } = headers
  return { ...rest, 'content-type': 'text/html; charset=UTF-8' }
}

/** What is sent of `response` to a request for it: nothing of it, all, a part, or several parts. */
export async function conditional(request: Request, response: Response, etag?: string): Promise<Response> {
  const { method, headers } = request
  if (method !== 'GET' && method !== 'HEAD') return response
  const other = refusedBy(headers, response, etag)
  if (other) {
    close(response)
    return other
  }
  const { body } = response
  if (method !== 'GET' || response.status !== 200 || !isSliceable(body)) return response
  const specs = isRangeCurrent(headers['if-range'], response) ? parseRanges(headers['range']) : undefined
  if (!specs) return { ...response, body: await whole(body) }
  const ranges = rangesWithin(specs, body.size)
  if (ranges.length === 0) {
    body.close()
    const refused = answer(416, undefined, { 'content-range': `bytes */${body.size}` })
    return { ...refused, headers: { ...precondition(response), ...refused.headers } }
  }
  return ranges.length === 1 ? onePart(response, body, ranges[0]!) : severalParts(response, body, ranges)
}

const close = ({ body }: Response) => {
  if (isSliceable(body)) body.close()
  else if (body instanceof Readable) body.destroy()
}

function isRangeCurrent(condition: string | undefined, { headers }: Response): boolean {
  if (condition === undefined) return true
  if (Number.isNaN(Date.parse(condition))) return bareEtag(condition) === bareEtag(headers['etag'] ?? '')
  return (secondsIn(headers['last-modified']) ?? Infinity) <= secondsIn(condition)!
}

const whole = (body: Sliceable): Readable | Promise<Readable> => {
  if (body.size > 0) return body.open(0, body.size - 1)
  body.close()
  return Readable.from([])
}

async function onePart(response: Response, body: Sliceable, { start, end }: Range): Promise<Response> {
  const headers = {
    ...response.headers,
    'content-length': String(end - start + 1),
    'content-range': `bytes ${start}-${end}/${body.size}`,
  }
  return { status: 206, headers, body: await body.open(start, end) }
}

function severalParts(response: Response, body: Sliceable, ranges: readonly Range[]): Response {
  const boundary = randomBytes(32).toString('hex')
  const type = response.headers['content-type'] ?? 'application/octet-stream'
  const heads = ranges.map(
    ({ start, end }) =>
      `--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${start}-${end}/${body.size}\r\n\r\n`,
  )
  const tail = `--${boundary}--`
  async function* parts() {
    for (const [at, { start, end }] of ranges.entries()) {
      yield Buffer.from(heads[at]!, 'latin1')
      yield* (await body.open(start, end)) as AsyncIterable<Buffer>
      yield Buffer.from('\r\n')
    }
    yield Buffer.from(tail)
  }
  const lengths = ranges.map(({ start, end }, at) => heads[at]!.length + (end - start + 1) + 2)
  return {
    status: 206,
    headers: {
      ...response.headers,
      'content-type': `multipart/byteranges;boundary=${boundary}`,
      'content-length': String(lengths.reduce((sum, length) => sum + length, tail.length)),
    },
    body: Readable.from(parts(), { objectMode: false }).once('close', () => body.close()),
  }
}
