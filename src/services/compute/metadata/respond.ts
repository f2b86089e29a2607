import type { ServerResponse } from 'node:http'

/** Ends a request with a sentence. */
export function end(response: ServerResponse, status: number, text = ''): void {
  response
    .writeHead(status, { 'Content-Type': 'text/plain; charset=UTF-8', 'Content-Length': Buffer.byteLength(text) })
    .end(text)
}
