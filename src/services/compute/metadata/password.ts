/**
 * Guests without ssh (Windows) make a password themselves and leave it here, encrypted with the server's public key, for
 * who asks the API for it. Once. Source: nova/api/metadata/password.py.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { end } from './respond.ts'

/** Where passwords are kept, by server. */
export interface PasswordStore {
  /** Empty for none. */
  getGuestPassword(id: string): Promise<string>
  /** False when there is one already. */
  setGuestPassword(id: string, password: string): Promise<boolean>
}

const maxBytes = 1020
/** An answer before the end of the question may get lost on its way. */
const drainBytes = 64 * 1024
const conflict = 'There was a conflict when trying to complete your request.'

export async function answerPassword(
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
  { getGuestPassword, setGuestPassword }: PasswordStore,
): Promise<void> {
  const { method } = request
  if (method === 'GET' || method === 'HEAD')
    return end(response, 200, method === 'GET' ? await getGuestPassword(id) : '')
  if (method !== 'POST') return end(response, 400, 'GET and POST only are supported.')
  if ((await getGuestPassword(id)) !== '') return end(response, 409, conflict)
  const body = await readBody(request)
  if (body === undefined) return end(response, 400, 'Request is too large.')
  const text = toText(body)
  if (text === undefined) return end(response, 400, 'The password is not UTF-8 text.')
  if (await setGuestPassword(id, text)) return end(response, 200)
  end(response, 409, conflict)
}

/** Undefined when it is longer than a password may be; what is a little too long is read to its end all the same. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length
    if (length > drainBytes) throw new Error('a password that does not end')
    if (length <= maxBytes) parts.push(part)
  }
  return length > maxBytes ? undefined : Buffer.concat(parts)
}

function toText(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return undefined
  }
}
