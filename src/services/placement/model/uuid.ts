/** What oslo.utils takes for a UUID: any case, with or without dashes, braces or `urn:uuid:`. */
export const isUuidLike = (text: string): boolean => /^[0-9a-f]{32}$/i.test(digitsOf(text))

/** The canonical form, 8-4-4-4-12 in lower case. */
export const normalizeUuid = (text: string): string =>
  digitsOf(text)
    .toLowerCase()
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

const digitsOf = (text: string): string => text.replaceAll(/urn:|uuid:|[{}-]/g, '')
