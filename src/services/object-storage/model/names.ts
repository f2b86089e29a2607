/** Paths of accounts, containers and objects. */

/** Names with this byte are the cluster's own. */
export const reserved = '\x00'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a percent-encoded path; undefined where its bytes are no UTF-8. */
export function decodePath(path: string): string | undefined {
  try {
    return decoder.decode(bytesOf(path))
  } catch {
    return undefined
  }
}

/** A percent sign that stands for no byte is itself. */
function bytesOf(path: string): Buffer {
  const text = Buffer.from(path, 'latin1')
  const bytes = Buffer.allocUnsafe(text.length)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const hex = text[at] === 0x25 ? path.slice(at + 1, at + 3) : ''
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes[length++] = Number.parseInt(hex, 16)
      at += 2
    } else bytes[length++] = text[at]!
  }
  return bytes.subarray(0, length)
}

/** A path as it is written in a request: everything but slashes and what needs no sign. */
export const encodePath = (path: string): string =>
  encodeURI(path.toWellFormed()).replaceAll(
    /[?#;,:@&=+$!*'()]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

export interface Place {
  readonly account: string
  readonly container?: string
  readonly object?: string
}

/** `/v1/account/container/object` with what is behind the version; undefined for another path. */
export function splitApiPath(path: string): (Place & { version: string }) | undefined {
  const parts = /^\/([^/]+)\/([^/]+)(?:\/([^/]*)(?:\/([^]*))?)?$/.exec(path)
  if (!parts) return undefined
  const [, version = '', account = '', container, object] = parts
  // An object has a container with a name before it.
  if (!container && object) return undefined
  return { version, account, ...(container && { container, ...(object && { object }) }) }
}

export const pathOf = ({ account, container, object }: Place): string =>
  `/${account}${container === undefined ? '' : `/${container}`}${object === undefined ? '' : `/${object}`}`
