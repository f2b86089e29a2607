/**
 * What may become part of a command line or a configuration file. Each function returns its argument when it is safe
 * and throws `UnsafeText` otherwise: refusing is the only answer, nothing is silently cleaned.
 */
export class UnsafeText extends Error {
  override name = 'UnsafeText'
  readonly what: string

  constructor(what: string, text: string) {
    super(`${what} is not acceptable: ${JSON.stringify(text.slice(0, 80))}`)
    this.what = what
  }
}

export function matching(what: string, pattern: RegExp, text: string): string {
  if (!pattern.test(text)) throw new UnsafeText(what, text)
  return text
}

/** The kernel's rule for interface names, less the characters that some program gives a meaning. */
export function interfaceName(text: string): string {
  return matching('interface name', /^(?!\.{1,2}$)[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}$/, text)
}

export function netnsName(text: string): string {
  return matching('network namespace name', /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$/, text)
}

export function hasControlCharacters(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are the point
  return /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)
}

/** Text without line breaks, NUL and their like. */
export function oneLine(what: string, text: string): string {
  if (hasControlCharacters(text)) throw new UnsafeText(what, text)
  return text
}

/** An absolute path that no program can take for an option, a protocol or a list. */
export function absolutePath(what: string, text: string): string {
  if (!text.startsWith('/') || text.includes(',') || text.split('/').includes('..')) throw new UnsafeText(what, text)
  return oneLine(what, text)
}

export function uuid(what: string, text: string): string {
  return matching(what, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, text)
}

export function wholeNumber(what: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) throw new UnsafeText(what, String(value))
  return value
}
