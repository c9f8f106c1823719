import { alphabet } from '../alphabet.js';
import { alternations, hasUpperLowerDigit, isJumbled } from '../entropy.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);
const names = alphabet('a-z0-9');
const letters = alphabet('a-z');

/**
 * Tokens of vendors that have no row: most of them put their own name and the kind of token before random letters and
 * digits, as in `acme_live_…`.
 */
export const prefixedTokenRules: readonly Rule[] = [
  {
    kind: 'prefixed-token',
    anchors: [
      ...['_live_', '_prod_', '_production_', '_sandbox_', '_staging_', '_sk_', '_pat_', '_oat_'],
      ...['_secret_', '_apikey_', '_api_', '_token_', '_admin_', '_svc_', '_service_', '_user_'],
      ...['-live-', '-prod-', '-sk-', '-pat-', '-secret-', '-apikey-', '-token-'],
    ],
    lead: names,
    notAfter: nothing,
    shape: /[a-z0-9]{2,16}[_-][a-z]{2,10}[_-][A-Za-z0-9]{24,128}/,
    accepts: isGenerated,
    source: 'the form that GitHub recommends to partners of its secret scanning',
    example: 'acme_live_<alnum:32>',
  },
  {
    kind: 'prefixed-token',
    anchors: ['pk_', 'sk_', 'ak_', 'tk_', 'rk_', 'xk_', 'ck_', 'bk_', 'vk_'],
    lead: letters,
    shape: /(?!ask_)[a-z]{2}k_[A-Za-z0-9]{24,64}(?![A-Za-z0-9_-])/,
    accepts: isGenerated,
    source: 'three letters that end in k for key, as vendors of 2025 and 2026 choose them',
    example: 'zpk_<alnum:32>',
  },
  {
    kind: 'prefixed-token',
    anchors: ['-api-', '-api03-'],
    lead: names,
    notAfter: nothing,
    shape:
      /[a-z0-9]{2,16}-(?:api|api03)-(?:(?:live|prod|test|v\d)-)?[A-Za-z0-9]{24,128}(?![A-Za-z0-9_-])/,
    accepts: isGenerated,
    source: 'the same with hyphens',
    example: 'acme-api-<alnum:32>',
  },
];

/** Both cases and digits in a jumble: names and hashes are something else, and public keys say so. */
function isGenerated(token: string): boolean {
  if (/^pk_/.test(token)) return false;
  const body = token.slice(token.search(/[A-Za-z0-9]{24,}$/));
  return hasUpperLowerDigit(body) && alternations(body) >= 3 && isJumbled(body);
}
