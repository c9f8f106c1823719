import { isWordy } from '../entropy.js';

/**
 * The name of a variable or property rather than a value: words joined by dots, underscores or
 * camel case.
 */
export function isVariableName(value: string): boolean {
  const parts = value.split('.');
  if (!parts.every((part) => /^[A-Za-z_$][\w$]*$/.test(part))) return false;
  return (
    isWordy(value) || (parts.length > 1 && parts.every((part) => part.length < 8 || isWordy(part)))
  );
}
