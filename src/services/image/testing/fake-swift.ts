/** Keystone and an object store in one process, for tests: enough of both for the swift store, with large objects. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeSwift {
  readonly authAddress: string
  /** By container and name. */
  readonly objects: Map<string, Buffer>
  readonly containers: Set<string>
  /** The next requests of this method answer so. */
  failNext(method: string, status: number): void
  /** Everything answers so from now on; undefined ends it. */
  failAll(status: number | undefined): void
  /** Makes every token invalid. */
  expireTokens(): void
  close(): Promise<void>
}

export async function startFakeSwift(): Promise<FakeSwift> {
  const objects = new Map<string, Buffer>()
  const manifests = new Map<string, string>()
  const containers = new Set<string>()
  const failures: { method: string; status: number }[] = []
  let serial = 0
  let token = 'token-0'
  let outage: number | undefined

  const dataOf = (key: string): Buffer | undefined => {
    const prefix = manifests.get(key)
    if (prefix === undefined) return objects.get(key)
    const parts = [...objects.keys()].filter((name) => name.startsWith(prefix) && !manifests.has(name)).sort()
    return Buffer.concat(parts.map((name) => objects.get(name)!))
  }

  const read = (request: IncomingMessage, response: ServerResponse, data: Buffer) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    const part = match ? data.subarray(Number(match[1]), Number(match[2]) + 1) : data
    response.writeHead(match ? 206 : 200, { 'Content-Length': part.length })
    response.end(request.method === 'HEAD' ? undefined : part)
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://swift')
    const body = Buffer.concat(await request.toArray())
    const status = (code: number) => response.writeHead(code).end()
    if (outage !== undefined) return status(outage)
    if (url.pathname === '/v3/auth/tokens') {
      token = `token-${++serial}`
      const endpoints = [{ interface: 'public', region_id: 'RegionOne', url: `${origin()}/v1/AUTH_test` }]
      response.writeHead(201, { 'X-Subject-Token': token })
      const catalog = [{ type: 'object-store', endpoints }]
      return response.end(JSON.stringify({ token: { expires_at: '2999-01-01T00:00:00Z', catalog } }))
    }
    if (request.headers['x-auth-token'] !== token) return status(401)
    const failure = failures.findIndex((each) => each.method === request.method)
    if (failure >= 0) return status(failures.splice(failure, 1)[0]!.status)
    const [container = '', name = ''] = decodeURIComponent(url.pathname.slice('/v1/AUTH_test/'.length)).split('/')
    const key = `${container}/${name}`
    if (name === '') {
      if (request.method === 'PUT') return (containers.add(container), status(201))
      if (!containers.has(container)) return status(404)
      const prefix = `${container}/${url.searchParams.get('prefix') ?? ''}`
      const names = [...objects.keys()].filter((each) => each.startsWith(prefix)).map((each) => each.split('/')[1])
      return response.writeHead(200).end(JSON.stringify(names.map((each) => ({ name: each }))))
    }
    if (request.method === 'PUT') {
      if (!containers.has(container)) return status(404)
      objects.set(key, body)
      const manifest = request.headers['x-object-manifest']
      if (typeof manifest === 'string') manifests.set(key, decodeURIComponent(manifest))
      return status(201)
    }
    const data = dataOf(key)
    if (!data) return status(404)
    if (request.method !== 'DELETE') return read(request, response, data)
    objects.delete(key)
    manifests.delete(key)
    return status(204)
  }

  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    authAddress: `${origin()}/v3`,
    objects,
    containers,
    failNext: (method, status) => void failures.push({ method, status }),
    failAll: (status) => void (outage = status),
    expireTokens: () => void (token = 'nobody has this'),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
