/** Answers without content, and the small pages that say what is wrong. */
import type { Headers, Response } from './message.ts'

/** Upstream's reason and sentence, which clients show. */
const reasons: Readonly<Record<number, readonly [reason: string, text: string]>> = {
  201: ['Created', ''],
  202: ['Accepted', 'The request is accepted for processing.'],
  301: ['Moved Permanently', 'The resource has moved permanently.'],
  400: [
    'Bad Request',
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  ],
  401: ['Unauthorized', 'This server could not verify that you are authorized to access the document you requested.'],
  403: ['Forbidden', 'Access was denied to this resource.'],
  404: ['Not Found', 'The resource could not be found.'],
  405: ['Method Not Allowed', 'The method is not allowed for this resource.'],
  406: ['Not Acceptable', 'The resource is not available in a format acceptable to your browser.'],
  408: ['Request Timeout', 'The server has waited too long for the request to be sent by the client.'],
  409: ['Conflict', 'There was a conflict when trying to complete your request.'],
  411: ['Length Required', 'Content-Length header required.'],
  412: ['Precondition Failed', 'A precondition for this request was not met.'],
  413: ['Request Entity Too Large', 'The body of your request was too large for this server.'],
  416: ['Requested Range Not Satisfiable', 'The Range requested is not available.'],
  422: ['Unprocessable Entity', 'Unable to process the contained instructions'],
  429: ['Too Many Requests', ''],
  498: ['Rate Limited', ''],
  499: ['Client Disconnect', 'The client was disconnected during request.'],
  500: ['Internal Error', 'The server has either erred or is incapable of performing the requested operation.'],
  501: ['Not Implemented', 'The requested method is not implemented by this server.'],
  503: ['Service Unavailable', 'The server is currently unavailable. Please try again at a later time.'],
  507: ['Insufficient Storage', 'There was not enough space to save the resource.'],
}

/** An answer with upstream's page, or with what `text` says. */
export function answer(status: number, text?: string, headers: Headers = {}): Response {
  if (text !== undefined) return plain(status, text, headers)
  const [reason, sentence] = reasons[status] ?? ['', '']
  const type = { 'content-type': 'text/html; charset=UTF-8' }
  if (sentence === '') return { status, headers: { ...(status !== 204 && type), ...headers } }
  const body = `<html><h1>${reason}</h1><p>${sentence}</p></html>`
  return { status, headers: { ...type, ...headers }, body }
}

const plain = (status: number, text: string, headers: Headers): Response => ({
  status,
  headers: { 'content-type': 'text/plain', ...headers },
  body: text,
})

/** Ends the handling of a request with an answer. */
export class Refusal extends Error {
  readonly response: Response
  constructor(response: Response) {
    super(`answered ${response.status}`)
    this.response = response
  }
}

export const refuse = (status: number, text?: string, headers?: Headers): never => {
  throw new Refusal(answer(status, text, headers))
}

/** `work`, with a Refusal as its answer. */
export async function answered(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refusal) return error.response
    throw error
  }
}
