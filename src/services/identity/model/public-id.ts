/** Ids of users and groups that have their home elsewhere. */
import { createHash } from 'node:crypto'

/** The id that keystone gives them, so that a cloud which moves here keeps its ids. */
export const publicId = (domainId: string, kind: 'user' | 'group', localId: string): string =>
  createHash('sha256')
    .update(domainId + kind + localId)
    .digest('hex')

/** As Python's `urllib.parse.quote`: letters, digits and `_.-~/` stay. */
export const quote = (text: string): string =>
  encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/')
