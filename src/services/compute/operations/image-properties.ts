import { Invalid } from '../errors.ts'
import { InvalidProperty } from '../model/hardware/hardware.ts'
import { checkProperties } from '../model/hardware/read.ts'

/** What a property says must be something; whether it can be had is for the host to say. */
export function requireMeant(properties: Record<string, string>): void {
  try {
    checkProperties(properties)
  } catch (error) {
    if (!(error instanceof InvalidProperty)) throw error
    throw new Invalid(`Invalid image metadata. Error: ${error.message}`)
  }
}
