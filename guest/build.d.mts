export interface BuildOptions {
  out?: string
  cacheDir?: string
  log?: (message: string) => void
}
/** Returns the image's path. */
export function buildGuestImage(options?: BuildOptions): Promise<string>
