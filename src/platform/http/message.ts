/** Requests and answers as they pass between a transport and an app. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'

/** A request before it is understood. `body` is a stream from a socket or a ready JSON value from a client in process. */
export interface RawRequest {
  method: string
  url: string
  headers: IncomingHttpHeaders
  /** Address at the other end of the connection; absent for clients in this process. */
  peer?: string
  stream?: Readable
  json?: unknown
}

/** An answer with all headers; `route` is the template for logs and metrics. */
export interface RawResponse {
  status: number
  headers: Record<string, string>
  body: unknown
  route: string
  requestId: string
}
