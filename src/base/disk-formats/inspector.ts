import { Finding, HEAD_BYTES, NOTHING, TAIL_BYTES } from './probe.ts'
import type { DiskFormat, DiskProblem, Probe, Want } from './probe.ts'
import { probeGpt } from './gpt.ts'
import { probeIso } from './iso.ts'
import { probeLuks } from './luks.ts'
import { probePloop } from './ploop.ts'
import { probeQcow2 } from './qcow2.ts'
import { probeQed } from './qed.ts'
import { probeRaw } from './raw.ts'
import { probeVdi } from './vdi.ts'
import { probeVhd } from './vhd.ts'
import { probeVhdx } from './vhdx.ts'
import { probeVmdk } from './vmdk.ts'

const PROBES: Record<DiskFormat, (found: Finding) => Probe> = {
  qcow2: probeQcow2,
  vmdk: probeVmdk,
  vdi: probeVdi,
  vhd: probeVhd,
  vhdx: probeVhdx,
  iso: probeIso,
  gpt: probeGpt,
  luks: probeLuks,
  qed: probeQed,
  ploop: probePloop,
  raw: probeRaw,
}

export interface DiskReport {
  /** The one format this image is, `gpt` for a disk with a partition table; null where it answers to several. */
  format: DiskFormat | null
  /** All formats that match; `raw` only where nothing else does. An ISO that boots as a disk is `iso` and `gpt`. */
  formats: DiskFormat[]
  /** Size of the disk the guest would see; null where it is unknown or beyond what a disk can be. */
  virtualSize: number | null
  fileSize: number
  problems: DiskProblem[]
}

/** What is certain before the end. */
export interface DiskVerdict {
  /** Formats that match already. */
  formats: DiskFormat[]
  /** Formats that may still match. */
  possible: DiskFormat[]
  problems: Partial<Record<DiskFormat, DiskProblem[]>>
}

/** Recognises virtual disk formats in a stream. Holds at most a little over 1 MiB, however large the image. */
export class DiskInspector {
  #head = new Uint8Array(HEAD_BYTES)
  #tail = new Tail()
  #position = 0
  #ended = false
  #runs: Run[]

  constructor() {
    this.#runs = Object.entries(PROBES).map(([format, probe]) => new Run(new Finding(format as DiskFormat), probe))
  }

  write(chunk: Uint8Array): void {
    if (this.#ended) throw new Error('the inspector was given bytes after the end')
    if (chunk.length === 0) return
    if (this.#position < HEAD_BYTES) this.#head.set(chunk.subarray(0, HEAD_BYTES - this.#position), this.#position)
    const start = this.#position
    this.#position += chunk.length
    this.#tail.push(chunk)
    const head = this.#seenHead()
    for (const run of this.#runs) run.feed(head, chunk, start)
  }

  get verdict(): DiskVerdict {
    const matched = this.#runs.filter((run) => run.found.matched)
    return {
      formats: matched.map((run) => run.found.format),
      possible: this.#runs.filter((run) => !run.done && !run.found.matched).map((run) => run.found.format),
      problems: Object.fromEntries(matched.map((run) => [run.found.format, [...run.found.problems]])),
    }
  }

  end(): DiskReport {
    this.#ended = true
    const head = this.#seenHead()
    for (const run of this.#runs) run.finish(head, this.#tail.bytes(), this.#position)
    return reportOf(
      this.#runs.map((run) => run.found),
      this.#position,
    )
  }

  #seenHead(): Uint8Array {
    return this.#head.subarray(0, Math.min(this.#position, HEAD_BYTES))
  }
}

function reportOf(findings: Finding[], fileSize: number): DiskReport {
  const structured = findings.filter((found) => found.matched && found.format !== 'raw')
  const matched = structured.length > 0 ? structured : findings.filter((found) => found.format === 'raw')
  const formats = matched.map((found) => found.format)
  const [winner, ...rivals] = matched.filter((found) =>
    formats.every((other) => other === found.format || found.alsoLooksLike.includes(other)),
  )
  if (winner === undefined || rivals.length > 0) {
    const several: DiskProblem = {
      code: 'several-formats',
      message: `Image answers to several formats (${formats.join(', ')}), which is not allowed`,
    }
    const problems = [several, ...matched.flatMap((found) => found.problems)]
    return { format: null, formats, virtualSize: null, fileSize, problems }
  }
  const problems = [...winner.problems]
  let virtualSize: number | null = null
  if (winner.virtualSize !== null && winner.virtualSize > BigInt(Number.MAX_SAFE_INTEGER)) {
    const message = `Image is ${winner.format} with an impossible virtual size of ${winner.virtualSize} bytes`
    problems.push({ code: 'size-out-of-range', message })
  } else if (winner.virtualSize !== null) {
    virtualSize = Number(winner.virtualSize)
  }
  return { format: winner.format, formats, virtualSize, fileSize, problems }
}

/** One probe over the stream. What it is given depends on the bytes alone, never on how they were cut into chunks. */
class Run {
  readonly found: Finding
  #probe: Probe
  #want: Want | null = null
  #bytes: Uint8Array = NOTHING
  #filled = 0
  /** The furthest byte this probe has seen: what lies before it, and outside the head, is gone. */
  #seen = 0

  constructor(found: Finding, probe: (found: Finding) => Probe) {
    this.found = found
    this.#probe = probe(found)
    this.#take(this.#probe.next())
  }

  get done(): boolean {
    return this.#want === null
  }

  feed(head: Uint8Array, chunk: Uint8Array, chunkStart: number): void {
    for (let want = this.#want; want?.from === 'start'; want = this.#want) {
      if (this.#isGone(want)) {
        this.#answer(NOTHING)
        continue
      }
      this.#fill(want, head, 0)
      this.#fill(want, chunk, chunkStart)
      if (this.#filled < want.length) return
      this.#seen = Math.max(this.#seen, want.offset + want.length)
      this.#answer(this.#bytes)
    }
  }

  finish(head: Uint8Array, tail: Uint8Array, fileSize: number): void {
    this.found.fileSize = fileSize
    for (let want = this.#want; want !== null; want = this.#want) {
      if (want.from === 'start') {
        if (!this.#isGone(want)) this.#fill(want, head, 0)
        this.#answer(this.#bytes.subarray(0, this.#filled))
      } else {
        this.#answer(tail.slice(Math.max(0, tail.length - want.length)))
      }
      this.#seen = Infinity
    }
  }

  #isGone(want: Want & { from: 'start' }): boolean {
    return (
      this.#filled === 0 && want.offset < this.#seen && Math.min(want.offset + want.length, this.#seen) > HEAD_BYTES
    )
  }

  #fill(want: Want & { from: 'start' }, source: Uint8Array, sourceStart: number): void {
    const from = want.offset + this.#filled - sourceStart
    if (from < 0 || from >= source.length) return
    const part = source.subarray(from, from + want.length - this.#filled)
    this.#bytes.set(part, this.#filled)
    this.#filled += part.length
  }

  #answer(bytes: Uint8Array): void {
    this.#take(this.#probe.next(bytes))
  }

  #take(step: IteratorResult<Want, void>): void {
    this.#want = step.done === true ? null : step.value
    this.#bytes = this.#want?.from === 'start' ? new Uint8Array(this.#want.length) : NOTHING
    this.#filled = 0
  }
}

/** The last TAIL_BYTES of what was pushed. */
class Tail {
  #buffer = new Uint8Array(16 * TAIL_BYTES)
  #length = 0

  push(chunk: Uint8Array): void {
    const part = chunk.length > TAIL_BYTES ? chunk.subarray(chunk.length - TAIL_BYTES) : chunk
    if (this.#length + part.length > this.#buffer.length) {
      this.#buffer.copyWithin(0, this.#length - TAIL_BYTES, this.#length)
      this.#length = TAIL_BYTES
    }
    this.#buffer.set(part, this.#length)
    this.#length += part.length
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(Math.max(0, this.#length - TAIL_BYTES), this.#length)
  }
}
