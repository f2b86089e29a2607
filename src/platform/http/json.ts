/** Answers as JSON, without keeping everybody else waiting while a long list is written. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Items that are written in one go: a few milliseconds. */
const atOnce = 500

/** As JSON.stringify; lists at the top of an object are written in parts, between which other requests go on. */
export async function jsonOf(body: unknown): Promise<string> {
  if (!isPlainObject(body) || !Object.values(body).some(isLong)) return JSON.stringify(body)
  const members: string[] = []
  for (const [name, value] of Object.entries(body)) {
    const text = isLong(value) ? await listOf(value) : JSON.stringify(value)
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`)
  }
  return `{${members.join(',')}}`
}

async function listOf(items: readonly unknown[]): Promise<string> {
  const parts: string[] = []
  for (let at = 0; at < items.length; at += atOnce) {
    if (at > 0) await nextTurn()
    parts.push(JSON.stringify(items.slice(at, at + atOnce)).slice(1, -1))
  }
  return `[${parts.join(',')}]`
}

const isLong = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > atOnce

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
