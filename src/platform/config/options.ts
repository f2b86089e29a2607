/** Options as data: each is declared once with upstream's section and name, type, default and help. */
export type OptionType = 'string' | 'integer' | 'float' | 'boolean' | 'list' | 'multi' | 'secret'

export interface OptionDeclaration<T = unknown> {
  readonly section: string
  readonly name: string
  readonly type: OptionType
  readonly default: T
  readonly help: string
  readonly choices?: readonly string[]
  /** Values that older files have, with what is taken instead. */
  readonly formerly?: Readonly<Record<string, string>>
  readonly min?: number
  readonly max?: number
}

type Limits = Pick<OptionDeclaration, 'choices' | 'formerly' | 'min' | 'max'>

const declare =
  <T>(type: OptionType) =>
  (section: string, name: string, fallback: T, help: string, limits: Limits = {}): OptionDeclaration<T> => ({
    section,
    name,
    type,
    default: fallback,
    help,
    ...limits,
  })

/** Declarations by type, e.g. `option.integer('token', 'expiration', 3600, 'Seconds …')`. */
export const option = {
  string: declare<string>('string'),
  integer: declare<number>('integer'),
  float: declare<number>('float'),
  boolean: declare<boolean>('boolean'),
  list: declare<readonly string[]>('list'),
  multi: declare<readonly string[]>('multi'),
}

export type Declarations =
  Readonly<Record<string, OptionDeclaration<never>>> | Readonly<Record<string, OptionDeclaration>>

/** The values of a service's options, by the keys of its declaration table. */
export type Values<D> = { readonly [K in keyof D]: D[K] extends OptionDeclaration<infer T> ? T : never }
