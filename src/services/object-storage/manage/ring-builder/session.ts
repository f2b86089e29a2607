/** What a command of swift-ring-builder works on: a builder file, and the ring file beside it. */
import { replaceFileSync } from '../../../../base/replace-file.ts'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { RingBuilder } from '../../model/ring/builder.ts'
import { readBuilder, writeBuilder } from '../../model/ring/builder-file.ts'
import { RingError } from '../../model/ring/errors.ts'
import { writeRing, type RingData } from '../../model/ring/ring-data.ts'

export const success = 0
export const warning = 1
export const failure = 2

/** Ends a command with a status; what there is to say has been said. */
export class Exit extends Error {
  readonly status: number
  constructor(status: number) {
    super(`exit ${status}`)
    this.status = status
  }
}

export interface Output {
  print(line: string): void
  warn(line: string): void
  /** Asks a question; the answer is a line. */
  ask(question: string): Promise<string>
}

/** The names of both files, whichever of them was given. */
export function filesOf(given: string): { builderFile: string; ringFile: string } {
  if (given.endsWith('.ring.gz')) return { builderFile: given.replace(/\.ring\.gz$/, '.builder'), ringFile: given }
  return { builderFile: given, ringFile: `${given.replace(/\.builder$/, '')}.ring.gz` }
}

export class Session {
  readonly builderFile: string
  readonly ringFile: string
  readonly output: Output
  #builder: RingBuilder | undefined

  constructor(files: { builderFile: string; ringFile: string }, output: Output) {
    this.builderFile = files.builderFile
    this.ringFile = files.ringFile
    this.output = output
  }

  print(line = '') {
    this.output.print(line)
  }

  /** Says something and ends the command. */
  refuse(line: string, status = failure): never {
    this.print(line)
    throw new Exit(status)
  }

  get builder(): RingBuilder {
    return (this.#builder ??= new RingBuilder(this.#load()))
  }

  #load() {
    if (!existsSync(this.builderFile)) this.refuse(`Ring Builder file does not exist: ${this.builderFile}`)
    try {
      return readBuilder(readFileSync(this.builderFile))
    } catch (error) {
      if (error instanceof RingError) return this.refuse(`Ring Builder file is invalid: ${this.builderFile}`)
      throw error
    }
  }

  /** A file of that name and moment in the folder of older ones. */
  #backupOf(file: string, moment: number): string {
    const folder = join(dirname(this.builderFile), 'backups')
    mkdirSync(folder, { recursive: true })
    return join(folder, `${moment}.${basename(file)}`)
  }

  save(builder = this.builder) {
    builder.state.id ??= randomBytes(16).toString('hex')
    replaceFileSync(this.builderFile, writeBuilder(builder.state), 0o644)
  }

  saveBackup(builder: RingBuilder, moment: number) {
    builder.state.id ??= randomBytes(16).toString('hex')
    replaceFileSync(this.#backupOf(this.builderFile, moment), writeBuilder(builder.state), 0o644)
  }

  saveRing(ring: RingData, moment: number) {
    for (const file of [this.#backupOf(this.ringFile, moment), this.ringFile])
      replaceFileSync(file, writeRing(ring, basename(file)), 0o644)
  }
}
