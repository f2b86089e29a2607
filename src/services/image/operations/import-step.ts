/** What the steps of an import work on. */
import type { StepContext } from '../../../platform/saga/kind.ts'
import type { ImageDeps } from '../deps.ts'
import type { Found } from './intake.ts'

export interface ImportMethod {
  name: string
  uri?: string
  glance_image_id?: string
  glance_region?: string
  glance_service_interface?: string
}

export interface ImportData {
  taskId: string
  projectId: string
  /** Roles of who asked: property injection spares some. */
  roles: readonly string[]
  method: ImportMethod
  stores: readonly string[]
  allMustSucceed: boolean
  /** copy-image: the image is active and stays it. */
  isCopy: boolean
  /** Of a signed image, PEM: fetched as who asked, while his token was there. */
  certificate?: string
  size: number
  found?: Found
  failedStores: readonly string[]
}

export type ImportStep = { data: ImportData; deps: ImageDeps; context: StepContext }
