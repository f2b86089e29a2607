import { reasonOf, type ShownError } from '../../../platform/http/errors.ts'

const keys: Record<number, string> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

/** Nova's error body: one key by status, with code and message. */
export const envelope = ({ status, message }: ShownError): unknown => ({
  [keys[status] ?? 'computeFault']: { code: status, message: message || reasonOf(status) },
})
