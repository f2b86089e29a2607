import { ApiError, BadRequest, Conflict, Forbidden, NotFound } from '../../platform/http/errors.ts'

export class ImageNotFound extends NotFound {
  constructor(id: string) {
    super(`No image found with ID ${id}`)
  }
}
export class ImageForbidden extends Forbidden {}
export class ImageConflict extends Conflict {}
export class InvalidImage extends BadRequest {}

/** The bytes are not what they are declared to be, or may not be used. */
export class UnsupportedFormat extends ApiError {
  constructor(reason: string) {
    super(415, reason)
  }
}

export class TooLarge extends ApiError {
  constructor(message: string) {
    super(413, message)
  }
}
