import { hasUpperLowerDigit, isJumbled } from '../entropy.js';

/** Texts where a password is expected that are none: documentation, settings, algorithms, addresses. */

const algorithms =
  /^(?:md\d|sha|base\d|utf|argon|bcrypt|scrypt|pbkdf|oauth|ipv?\d|x509|pkcs|u?int\d|float\d|latin1|aes|rsa|ed25519|hs256|rs256|es256|v\d|http|tls|ssl|s3$|ec2$|k8s)/i;
const samples =
  /^(?:my|your|the|some|a|new|old|db|user|root|admin|test|demo|guest|dev|foo|bar|baz|abc|qwerty|letmein|welcome|secret|passw?(?:or)?d?|pwd?|postgres|mysql|value|param|arg|string|input|field|example|sample|dummy|temp|tmp|p4ss\w*|p[a@]ssw[o0]rd|s[3e]cr[3e]?t)[-_.]?\d{0,4}[!@#]?$/i;
const settings =
  /^(?:true|false|yes|no|none|null|nil|always|never|enabled?|disabled?|required?|optional|prompt|hidden|visible|default|empty|unset|string|stdin|vault|keychain|keyring|plain(?:text)?|encrypted|random|auto|manual|missing|invalid|wrong|correct|anything|something|whatever|redacted|removed)$/i;

/** Whether it begins like the name of an algorithm or a protocol, as a generated value may by chance. */
export function isAlgorithm(value: string): boolean {
  if (!algorithms.test(value) || /[!#$%&*+=?@^~]/.test(value)) return false;
  return !(/^[A-Za-z0-9]{16,}$/.test(value) && hasUpperLowerDigit(value) && isJumbled(value));
}

/** Whether it is a documentation placeholder for a password, or a setting. */
export function isSamplePassword(value: string): boolean {
  return samples.test(value) || settings.test(value);
}

export function isMailAddress(value: string): boolean {
  return /^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$/.test(value);
}
