/** The origins of a list with commas between, as browsers write them. */
export function splitOrigins(text: string): string[] {
  return text
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
}

/** Whether each is the origin of a page and nothing more: no path, no user, no wildcard. */
export function validOrigins(text: string): boolean {
  return splitOrigins(text).every((origin) => {
    return /^https?:\/\//.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
  });
}
