import { ServiceError, Invalid, Conflict, Forbidden, NotFound, Unavailable } from '../../platform/errors.ts'

export class ImageNotFound extends NotFound {
  constructor(id: string) {
    super(`No image found with ID ${id}`)
  }
}
export class ImageForbidden extends Forbidden {}
export class ImageConflict extends Conflict {}
export class InvalidImage extends Invalid {}
export class ImageMissing extends NotFound {}
export class StoreFailure extends Unavailable {}

/** The bytes are not what they are declared to be, or may not be used. */
export class UnsupportedFormat extends ServiceError {
  constructor(reason: string) {
    super('unsupported-format', reason)
  }
}

export class TooLarge extends ServiceError {
  constructor(message: string) {
    super('too-large', message)
  }
}

/** A unified limit is reached; oslo.limit's words. */
export class LimitExceeded extends TooLarge {
  constructor(projectId: string, resource: string, limit: number, current: number, delta: number) {
    super(
      'The request returned a 413 Request Entity Too Large. This generally means that rate limiting or a quota ' +
        `threshold was breached.\n\nThe response body:\nProject ${projectId} is over a limit for ` +
        `[Resource ${resource} is over limit of ${limit} due to current usage ${current} and delta ${delta}]`,
    )
  }
}

/** The image vanished while its data came. */
export class ImageGone extends ServiceError {
  constructor(id: string) {
    super(
      'gone',
      `Image ${id} could not be found after upload. The image may have been deleted during the upload, cleaning up the chunks uploaded.`,
    )
  }
}
