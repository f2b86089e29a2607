/** Python's values that JavaScript has no own kind of. */

/** A number that Python holds as float where JavaScript sees a whole number. */
export class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

export class Tuple {
  readonly items: readonly unknown[]
  constructor(items: readonly unknown[]) {
    this.items = items
  }
}

/** `repr` of a float: always with a point or an exponent, which has two digits at least. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e16))
    return value.toExponential().replace(/e([+-])(\d)$/, (_, sign: string, digit: string) => `e${sign}0${digit}`)
  return Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value)
}

/** `%.Nf`: as toFixed, but a number in the very middle goes to the even neighbour. */
export function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits)
  const isMiddle = Number.isInteger(value * 2 ** (digits + 1)) && /\.\d*5$/.test(value.toFixed(digits + 1))
  if (!isMiddle || /[02468]$/.test(text)) return text
  const below = (Math.abs(value) - 10 ** -(digits + 1) / 2).toFixed(digits)
  return value < 0 ? `-${below}` : below
}
