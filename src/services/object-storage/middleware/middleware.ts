/** What every middleware is: a handler around the next one, made from its section of proxy-server.conf. */
import type { Logger } from '../../../platform/log/log.ts'
import type { Credentials } from '../../../platform/auth/credentials.ts'
import type { ProxyDeps } from '../proxy/deps.ts'
import type { Handler } from '../wire/message.ts'

/** Tells who bears a token; null when it is not good. */
export interface TokenReader {
  validate(token: string, options?: { allowExpired?: boolean }): Promise<Credentials | null>
  readonly serviceTokens?: { readonly roles: readonly string[]; readonly isRequired: boolean }
}

export interface MiddlewareEnv {
  /** Its section, by names in lower case. */
  readonly options: Options
  readonly proxy: ProxyDeps
  readonly authenticator: TokenReader
  /** Where who is not known may get a token. */
  readonly authUrl: string
  readonly log: Logger
}

export interface Middleware {
  /** Throws ConfigError for options that cannot be. */
  wrap(next: Handler, env: MiddlewareEnv): Handler
  /** What `/info` tells of it, under its name there. */
  info?(options: Options): Readonly<Record<string, unknown>>
}

/** Values of a section, with what they mean. */
export class Options {
  readonly #values: ReadonlyMap<string, string>

  constructor(values: ReadonlyMap<string, string> = new Map()) {
    this.#values = values
  }

  names(): string[] {
    return [...this.#values.keys()]
  }

  text(name: string, otherwise: string): string {
    return this.#values.get(name) ?? otherwise
  }

  /** Words between commas or blanks. */
  list(name: string, otherwise: readonly string[]): readonly string[] {
    return (
      this.#values
        .get(name)
        ?.split(/[,\s]+/)
        .filter((word) => word !== '') ?? otherwise
    )
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#values.get(name)
    return value === undefined ? otherwise : /^(true|1|yes|on|t|y)$/i.test(value.trim())
  }

  /** Throws a sentence that names the option. */
  number(name: string, otherwise: number): number {
    const value = this.#values.get(name)
    if (value === undefined || value.trim() === '') return otherwise
    const number = Number(value)
    if (!Number.isFinite(number)) throw new OptionError(`${name} = ${value}: must be a number`)
    return number
  }
}

export class OptionError extends Error {}
