/** The forms that a row of the table can have: each turns a text into changes of the hardware, or throws. */
import { InvalidProperty, RefusedProperty, type Hardware } from './hardware.ts'

type Changes = Partial<Hardware>

export interface Row {
  /** Name among an image's properties; empty for what only flavors have. */
  property: string
  /** Name among a flavor's extra specs. The image's word counts where both speak. */
  spec?: string
  /** For the documentation. */
  values: string
  effect: string
  read(value: string, name: string): Changes
}

type Named = Pick<Row, 'property' | 'spec' | 'effect'>

/** One of some words. `refused` has those of upstream's that cannot be had, with the reason. */
export function choice(row: Named & { choices: Record<string, Changes>; refused?: Record<string, string> }): Row {
  const { choices, refused = {}, ...named } = row
  return {
    ...named,
    values: Object.keys(choices).join(', '),
    effect: [named.effect, ...refusals(refused)].join('; '),
    read(value, name) {
      const word = value.toLowerCase()
      if (Object.hasOwn(choices, word)) return choices[word]!
      if (Object.hasOwn(refused, word)) throw new RefusedProperty(`${name}=${value} cannot be had: ${refused[word]}`)
      throw new InvalidProperty(
        `${name}=${value} is not one of ${[...Object.keys(choices), ...Object.keys(refused)].join(', ')}`,
      )
    },
  }
}

/** A sentence for each reason, with the values that it is about. */
function refusals(refused: Record<string, string>): string[] {
  const reasons = [...new Set(Object.values(refused))]
  return reasons.map((why) => {
    const values = Object.keys(refused).filter((value) => refused[value] === why)
    return `${values.join(', ')} refused: ${why}`
  })
}

/** A word that is carried out by doing nothing, or not at all. */
export const words = (row: Named & { accepted: string; refused?: Record<string, string> }): Row => {
  const { accepted, ...rest } = row
  return choice({ ...rest, choices: Object.fromEntries(accepted.split(' ').map((word) => [word, {}])) })
}

const yes = ['1', 't', 'true', 'on', 'y', 'yes']

/** Anything else than a yes is a no, as oslo has it. */
export function flag(row: Named & { change(isOn: boolean): Changes }): Row {
  const { change, ...named } = row
  return { ...named, values: 'yes, no', read: (value) => change(yes.includes(value.trim().toLowerCase())) }
}

/** A flag that only may be off. */
export const neverOn = (row: Omit<Named, 'effect'> & { why: string }): Row => {
  const { why, ...named } = row
  return {
    ...named,
    values: 'no',
    effect: `yes is refused: ${why}`,
    read(value, name) {
      if (yes.includes(value.trim().toLowerCase())) throw new RefusedProperty(`${name}=${value} cannot be had: ${why}`)
      return {}
    },
  }
}

export function count(row: Named & { min?: number; max?: number; change(value: number): Changes }): Row {
  const { min = 0, max = 2 ** 31, change, ...named } = row
  const range = max === 2 ** 31 ? `${min} and more` : `${min} to ${max}`
  return {
    ...named,
    values: range,
    read(value, name) {
      const number = Number(value)
      if (!/^\d+$/.test(value.trim()) || number < min || number > max) {
        throw new InvalidProperty(`${name}=${value} is not a whole number of ${range}`)
      }
      return change(number)
    },
  }
}

/** Refused, whatever its value; an empty one is none. */
export const refused = (row: Omit<Named, 'effect'> & { why: string }): Row => {
  const { why, ...named } = row
  return {
    ...named,
    values: 'none',
    effect: `refused: ${why}`,
    read(value, name) {
      if (value === '') return {}
      throw new RefusedProperty(`${name}=${value} cannot be had: ${why}`)
    },
  }
}

/** Known, and nothing is to be done. */
export const noted = (row: Named): Row => ({ ...row, values: 'any', read: () => ({}) })
