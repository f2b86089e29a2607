/** A ring cannot be made as it is wanted, or is not what a ring must be. */
export class RingError extends Error {}

/** No device has any weight. */
export class EmptyRingError extends RingError {
  constructor() {
    super('There are no devices in this ring, or all devices have been deleted')
  }
}
