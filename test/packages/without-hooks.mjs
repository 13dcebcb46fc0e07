let missing = [];

export function initialize(names) {
  missing = names;
}

export function resolve(specifier, context, next) {
  const name = missing.find((one) => specifier === one || specifier.startsWith(`${one}/`));
  if (name === undefined) return next(specifier, context);
  const error = new Error(`Cannot find package '${name}' imported from ${context.parentURL}`);
  error.code = 'ERR_MODULE_NOT_FOUND';
  throw error;
}
