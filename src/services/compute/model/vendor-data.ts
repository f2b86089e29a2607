/** What others than the user say to a guest. */
export interface VendorData {
  /** Content of `vendordata_jsonfile_path`; undefined where that provider is off. */
  file?: unknown
  /** Of all providers, by their names. */
  all: Readonly<Record<string, unknown>>
}
