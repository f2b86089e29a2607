/**
 * Sends a message to the process that started this one, if that still listens. It may end at any moment: what cannot be
 * sent then is lost, while an error that nobody hears of would end this process too.
 */
export function tellParent(message: object) {
  if (process.connected) process.send?.(message, () => undefined)
}
