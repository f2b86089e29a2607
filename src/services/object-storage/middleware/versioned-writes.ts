/**
 * Containers that keep what is overwritten or deleted in another container: as a stack, from which a deletion brings the last
 * version back, or as a history, in which a deletion is an entry of its own.
 */
import { decodePath, encodePath, splitApiPath } from '../model/names.ts'
import { now, parseTimestamp } from '../model/timestamp.ts'
import { containerState, forget, type ContainerState } from '../proxy/info.ts'
import { answer, answered, refuse, Refusal } from '../wire/answers.ts'
import type { ListingEntry } from '../wire/listing.ts'
import {
  isSuccess,
  ownRequest,
  toWire,
  type Handler,
  type Headers,
  type Request,
  type Response,
} from '../wire/message.ts'
import type { Middleware } from './middleware.ts'
import { contentOf, readableOf } from './segments.ts'

const marker = 'application/x-deleted;swift_versions_deleted=1'
const location = 'x-container-sysmeta-versions-location'
const mode = 'x-container-sysmeta-versions-mode'

interface ObjectPlace {
  readonly version: string
  readonly account: string
  readonly container: string
  readonly object: string
}

export const versionedWrites: Middleware = {
  info: (options) => ({
    versioned_writes: {
      allowed_flags: ['x-versions-location', 'x-history-location'],
      enabled: options.flag('allow_versioned_writes', false),
    },
  }),
  wrap(next, { options, proxy }) {
    const isAllowed = options.flag('allow_versioned_writes', false)
    return (request) =>
      answered(async () => {
        const place = splitApiPath(request.path)
        if (place?.container === undefined) return next(request)
        const { container, object, version, account } = place
        if (object === undefined) return ofContainer(next, request, isAllowed)
        if (!isAllowed || (request.method !== 'PUT' && request.method !== 'DELETE')) return next(request)
        const state = await containerState(proxy, request.context, account, container)
        const target = decodePath(state.sysmeta['versions-location'] ?? '')?.split('/')[0]
        if (!target) return next(request)
        const versions = new Versions(next, request, { version, account, container, object }, target)
        await requireWriter(request, state)
        const response = await (request.method === 'PUT'
          ? versions.put()
          : state.sysmeta['versions-mode'] === 'history'
            ? versions.push()
            : versions.pop())
        forget(request.context, account, container)
        return response
      })
  },
}

/** Who may not write the object makes no versions of it either. */
async function requireWriter(request: Request, { writeAcl }: ContainerState): Promise<void> {
  const { context } = request
  const refused = context.isAuthorized ? undefined : await context.authorize?.(request)
  const byList = refused && (await context.authorize?.(request, writeAcl))
  if (byList) throw new Refusal(byList)
}

/** Where versions go is set by two headers, and shown by the one that set it. */
async function ofContainer(next: Handler, request: Request, isAllowed: boolean): Promise<Response> {
  const { 'x-versions-location': stack, 'x-history-location': history, ...rest } = request.headers
  if (stack && history) return answer(400, 'Only one of x-versions-location or x-history-location may be specified')
  const isRemoved =
    rest['x-remove-versions-location'] !== undefined ||
    rest['x-remove-history-location'] !== undefined ||
    stack === '' ||
    history === ''
  const given = stack || history
  const headers: Headers = { ...rest }
  if (given) {
    if (!isAllowed) return answer(412, 'Versioned Writes is disabled')
    const name = decodePath(given) ?? ''
    if (name === '' || name.includes('/')) return answer(412, 'Container name cannot contain slashes')
    Object.assign(headers, { [location]: encodePath(name), [mode]: history ? 'history' : 'stack' })
  } else if (isRemoved) Object.assign(headers, { [location]: '', [mode]: '' })
  const response = await next({ ...request, headers })
  const shown = response.headers[location]
  if (!shown) return response
  const name = response.headers[mode] === 'history' ? 'x-history-location' : 'x-versions-location'
  return { ...response, headers: { ...response.headers, [name]: shown } }
}

class Versions {
  readonly #next: Handler
  readonly #request: Request
  readonly #place: ObjectPlace
  readonly #target: string

  constructor(next: Handler, request: Request, place: ObjectPlace, target: string) {
    this.#next = next
    this.#request = request
    this.#place = place
    this.#target = target
  }

  /** `003abc/`: the length goes before the name, so that no name begins like another. */
  get #prefix(): string {
    const { object } = this.#place
    return `${toWire(object).length.toString(16).padStart(3, '0')}${object}/`
  }

  #send(method: string, path: string, more: Partial<Parameters<typeof ownRequest>[1]> = {}): Promise<Response> {
    const own = ownRequest(this.#request, { method, path, ...more }, 'VW')
    return this.#next({ ...own, context: { ...own.context, mayTellSize: true } })
  }

  #versionPath(name: string): string {
    const { version, account } = this.#place
    return `/${version}/${account}/${this.#target}/${name}`
  }

  /** Writes an object under another name; false where there is none. */
  async #copy(from: string, toPath: (time: string) => string): Promise<boolean> {
    const found = await this.#send('GET', from, {
      headers: { 'x-newest': 'true' },
      query: new Map([['multipart-manifest', 'get']]),
    })
    if (found.status === 404) return false
    requireGood(found)
    const { 'x-timestamp': time = '', 'x-object-sysmeta-slo-size': size, ...headers } = found.headers
    const isKept = (name: string) =>
      /^(content-(type|length|encoding|disposition|language)|etag|x-delete-at|x-static-large-object|x-object-manifest|x-object-(meta|sysmeta)-.*)$/.test(
        name,
      )
    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => isKept(name)))
    const type = `${headers['content-type'] ?? ''}${size === undefined ? '' : `;swift_bytes=${size}`}`
    const body = readableOf(found)
    requireGood(
      await this.#send('PUT', toPath(parseTimestamp(time) ?? now()), {
        headers: { ...kept, 'content-type': type },
        body,
      }),
    )
    return true
  }

  #keepCurrent(): Promise<boolean> {
    return this.#copy(this.#request.path, (time) => this.#versionPath(this.#prefix + time))
  }

  async put(): Promise<Response> {
    await this.#keepCurrent()
    return this.#next(this.#request)
  }

  async push(): Promise<Response> {
    await this.#keepCurrent()
    const headers = { 'content-type': marker, 'content-length': '0' }
    requireGood(await this.#send('PUT', this.#versionPath(this.#prefix + now()), { headers }))
    return this.#next(this.#request)
  }

  /** Versions, the newest first. */
  async #list(): Promise<ListingEntry[]> {
    const query = new Map([
      ['format', 'json'],
      ['prefix', this.#prefix],
      ['reverse', 'true'],
    ])
    const response = await this.#send('GET', this.#versionPath('').replace(/\/$/, ''), { query })
    if (response.status === 404) return []
    requireGood(response)
    const text = (await contentOf(readableOf(response), 64 << 20)).toString()
    return text === '' ? [] : (JSON.parse(text) as ListingEntry[])
  }

  /** Brings the last version back; a deletion in between is itself what goes first. */
  async pop(): Promise<Response> {
    for (const entry of await this.#list()) {
      const path = this.#versionPath(String(entry['name']))
      if (entry['content_type'] === marker) {
        const current = await this.#send('HEAD', this.#request.path)
        if (current.status !== 404) break
        await this.#send('DELETE', path)
        continue
      }
      if (!(await this.#copy(path, () => this.#request.path))) continue
      return this.#send('DELETE', path)
    }
    return this.#next(this.#request)
  }
}

function requireGood(response: Response): void {
  if (!isSuccess(response)) refuse(response.status >= 400 && response.status < 500 ? 412 : 503)
}
