/** The columns that an update names, from attributes of the same names. */
export const changed = <T extends object, K extends keyof T>(input: T, names: readonly K[]): Partial<Pick<T, K>> =>
  Object.fromEntries(names.flatMap((name) => (input[name] === undefined ? [] : [[name, input[name]]]))) as Partial<
    Pick<T, K>
  >

/** Booleans as columns of 0 and 1; those that are not said stay out. */
export const flags = <K extends string>(values: Readonly<Record<K, boolean | undefined>>): Partial<Record<K, number>> =>
  Object.fromEntries(
    Object.entries<boolean | undefined>(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value ? 1 : 0]],
    ),
  ) as Partial<Record<K, number>>
