/**
 * Reads Python pickles of values: numbers, texts, bytes, lists, tuples, dicts and arrays of numbers. A pickle is a program
 * that may call anything; here it calls three constructors, and whatever else it asks for ends the reading.
 */
import { Tuple } from './values.ts'

/** A pickle that is cut, wrong, or more than values. */
export class UnpicklingError extends Error {}

/** A dict is a Map, a list an Array, bytes a Buffer; texts of Python 2 are read as UTF-8. */
export function unpickle(bytes: Uint8Array): unknown {
  return new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).read()
}

type Make = (args: readonly unknown[]) => unknown

const constructors: Readonly<Record<string, Make>> = {
  'array array': ([type, numbers]) => {
    if (!Array.isArray(numbers)) throw new UnpicklingError('an array without its numbers')
    if (type === 'H') return Uint16Array.from(numbers as number[])
    if (type === 'B') return Uint8Array.from(numbers as number[])
    if (type === 'I' || type === 'L') return Uint32Array.from(numbers as number[])
    throw new UnpicklingError(`an array of type ${String(type)}`)
  },
  '_codecs encode': ([text, encoding]) => {
    if (typeof text !== 'string' || encoding !== 'latin1') throw new UnpicklingError('bytes that are no latin1')
    return Buffer.from(text, 'latin1')
  },
  '__builtin__ bytes': () => Buffer.alloc(0),
  '__builtin__ bytearray': ([text]) => (typeof text === 'string' ? Buffer.from(text, 'latin1') : Buffer.alloc(0)),
}

const mark = Symbol('mark')

class Reader {
  readonly #bytes: Buffer
  readonly #stack: unknown[] = []
  readonly #memo = new Map<number, unknown>()
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  read(): unknown {
    for (;;) {
      const opcode = String.fromCharCode(this.#number(1))
      if (opcode === '.') return this.#pop()
      this.#step(opcode)
    }
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new UnpicklingError('the pickle is cut off')
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  #number(size: number): number {
    return this.#take(size).readUIntLE(0, size)
  }

  #line(): string {
    const end = this.#bytes.indexOf(10, this.#at)
    if (end < 0) throw new UnpicklingError('the pickle is cut off')
    const text = this.#take(end - this.#at).toString()
    this.#at++
    return text
  }

  #push(value: unknown) {
    this.#stack.push(value)
  }

  #pop(): unknown {
    if (this.#stack.length === 0) throw new UnpicklingError('the pickle takes what is not there')
    return this.#stack.pop()
  }

  #popToMark(): unknown[] {
    const at = this.#stack.lastIndexOf(mark)
    if (at < 0) throw new UnpicklingError('the pickle takes what is not there')
    const items = this.#stack.splice(at)
    return items.slice(1)
  }

  #top(): unknown {
    return this.#stack.at(-1)
  }

  #long(length: number): number {
    let value = 0n
    const bytes = this.#take(length)
    for (let at = length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]!)
    return Number(length > 0 && bytes[length - 1]! >= 0x80 ? value - (1n << BigInt(8 * length)) : value)
  }

  #append(items: readonly unknown[]) {
    const list = this.#top()
    if (!Array.isArray(list)) throw new UnpicklingError('something is appended to what is no list')
    for (const item of items) list.push(item)
  }

  #set(items: readonly unknown[]) {
    const dict = this.#top()
    if (!(dict instanceof Map)) throw new UnpicklingError('something is set in what is no dict')
    for (let at = 0; at + 1 < items.length; at += 2) dict.set(items[at], items[at + 1])
  }

  #tuple(length: number) {
    const items = Array.from({ length }, () => this.#pop()).reverse()
    this.#push(new Tuple(items))
  }

  #reduce() {
    const args = this.#pop()
    const make = this.#pop()
    if (typeof make !== 'function' || !(args instanceof Tuple))
      throw new UnpicklingError('the pickle calls no constructor')
    this.#push((make as Make)(args.items))
  }

  #global(name: string) {
    const make = Object.hasOwn(constructors, name) ? constructors[name] : undefined
    if (!make) throw new UnpicklingError(`the pickle asks for ${name}`)
    this.#push(make)
  }

  #recall(key: number) {
    if (!this.#memo.has(key)) throw new UnpicklingError('the pickle recalls what was not there')
    this.#push(this.#memo.get(key))
  }

  #step(opcode: string) {
    const steps: Readonly<Record<string, () => unknown>> = Reader.#steps(this)
    const step = Object.hasOwn(steps, opcode) ? steps[opcode] : undefined
    if (!step) throw new UnpicklingError(`opcode ${JSON.stringify(opcode)} is not of a pickle of values`)
    step()
  }

  static readonly #known = new WeakMap<Reader, Readonly<Record<string, () => unknown>>>()

  static #steps(reader: Reader): Readonly<Record<string, () => unknown>> {
    const known = Reader.#known.get(reader)
    if (known) return known
    const steps = reader.#table()
    Reader.#known.set(reader, steps)
    return steps
  }

  #table(): Readonly<Record<string, () => unknown>> {
    return {
      '\x80': () => this.#take(1),
      N: () => this.#push(null),
      '\x88': () => this.#push(true),
      '\x89': () => this.#push(false),
      K: () => this.#push(this.#number(1)),
      M: () => this.#push(this.#number(2)),
      J: () => this.#push(this.#take(4).readInt32LE()),
      '\x8a': () => this.#push(this.#long(this.#number(1))),
      G: () => this.#push(this.#take(8).readDoubleBE()),
      X: () => this.#push(this.#take(this.#number(4)).toString()),
      U: () => this.#push(this.#take(this.#number(1)).toString()),
      T: () => this.#push(this.#take(this.#number(4)).toString()),
      C: () => this.#push(Buffer.from(this.#take(this.#number(1)))),
      B: () => this.#push(Buffer.from(this.#take(this.#number(4)))),
      '(': () => this.#push(mark),
      ']': () => this.#push([]),
      '}': () => this.#push(new Map()),
      ')': () => this.#push(new Tuple([])),
      a: () => {
        const item = this.#pop()
        this.#append([item])
      },
      e: () => this.#append(this.#popToMark()),
      s: () => {
        const value = this.#pop()
        this.#set([this.#pop(), value])
      },
      u: () => this.#set(this.#popToMark()),
      t: () => this.#push(new Tuple(this.#popToMark())),
      '\x85': () => this.#tuple(1),
      '\x86': () => this.#tuple(2),
      '\x87': () => this.#tuple(3),
      q: () => this.#memo.set(this.#number(1), this.#top()),
      r: () => this.#memo.set(this.#number(4), this.#top()),
      h: () => this.#recall(this.#number(1)),
      j: () => this.#recall(this.#number(4)),
      c: () => this.#global(`${this.#line()} ${this.#line()}`),
      R: () => this.#reduce(),
    }
  }
}
