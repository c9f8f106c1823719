import { isDense } from '../entropy.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);

/**
 * Secrets in URLs: in the query, in the fragment, and in links that grant access to whoever has
 * them.
 */
export const urlRules: readonly Rule[] = [
  {
    kind: 'url-key',
    anchors: ['?key=', '&key=', '&amp;key=', '\\u0026key=', '?apikey=', '&apikey=', '?k=', '&k='],
    notAfter: nothing,
    shape: /(?:[?&]|&amp;|\\u0026)(?:api)?k(?:ey)?=(?<secret>[A-Za-z0-9._~%+/-]{16,400})/,
    accepts: isKey,
    source: 'betterleaks generic-api-key, Google API documentation',
    example: 'https://maps.example.org/v1?key=⟦<alnum:32>⟧',
  },
  {
    kind: 'oauth-code',
    anchors: ['?code=', '&code=', '#code=', '\\u0026code='],
    notAfter: nothing,
    shape: /(?:[?&#]|\\u0026)code=(?<secret>[A-Za-z0-9._~%+/-]{16,2000})/,
    accepts: isKey,
    source: 'RFC 6749, section 4.1.2',
    example: 'http://localhost:8976/callback?code=⟦<alnum:40>⟧&state=a',
  },
  {
    kind: 'link-token',
    anchors: [
      ...[
        '/reset/',
        'reset-password/',
        'password-reset/',
        'password_reset/',
        'reset_password/',
        'password/reset/',
        '/recover/',
      ],
      ...['/verify/', 'verify-email/', '/confirm/', 'confirmation/', '/activate/', '/activation/'],
      ...[
        '/magic/',
        'magic-link/',
        'magiclink/',
        '/invite/',
        '/invitation/',
        '/accept-invite/',
        '/unlock/',
      ],
      ...[
        '/set-password/',
        '/login/token/',
        '/sso/',
        '/passwordless/',
        '/onboard/',
        '/hooks/catch/',
      ],
    ],
    notAfter: nothing,
    shape:
      /[/]?[a-z_-]{3,16}\/(?:[a-z]{1,12}\/|\d{1,9}\/){0,2}(?<secret>[A-Za-z0-9_~.-]{20,400})(?![\w/-]{0,100}\.[a-z]{2,4}(?![\w.]))/,
    accepts: isKey,
    source: 'Django, Rails and Laravel documentation on password resets',
    example: 'https://app.example.org/password/reset/⟦<alnum:40>⟧',
  },
  {
    kind: 'oauth-code',
    anchors: [
      'code_verifier=',
      'code_verifier"',
      'codeVerifier"',
      'code_verifier\\',
      'code_verifier:',
    ],
    notAfter: nothing,
    shape:
      /code_?[Vv]erifier(?:\\{0,64}["'])?\s{0,2}[:=]\s{0,2}(?:\\{0,64}["'])?(?<secret>[A-Za-z0-9._~-]{43,128})/,
    accepts: isKey,
    source: 'RFC 7636',
    example: 'grant_type=authorization_code&code_verifier=⟦<url:43>⟧',
  },
  {
    kind: 'oauth-code',
    anchors: ['device_code=', 'device_code"'],
    notAfter: nothing,
    shape:
      /device_code(?:\\{0,64}["'])?\s{0,2}[:=]\s{0,2}(?:\\{0,64}["'])?(?<secret>[A-Za-z0-9._~-]{20,200})/,
    accepts: isKey,
    source: 'RFC 8628',
    example: 'grant_type=device_code&device_code=⟦<alnum:40>⟧',
  },
  {
    kind: 'saml-response',
    anchors: ['SAMLResponse=', 'SAMLResponse"', 'SAMLResponse\\'],
    notAfter: nothing,
    shape:
      /SAMLResponse(?:\\{0,64}["'])?\s{0,2}[:=]\s{0,2}(?:\\{0,64}["'])?(?<secret>[A-Za-z0-9+/%=_-]{100,4000})/,
    source: 'SAML 2.0 bindings',
    example: 'SAMLResponse=⟦PHNhbWxw<b64:200>⟧',
  },
];

/** Random letters and digits, or hex too long for a name; words joined by dashes do not count. */
function isKey(secret: string): boolean {
  if (/^[0-9a-f]{32,}$/i.test(secret)) return /\d/.test(secret);
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(secret) || !/\d/.test(secret)) return false;
  return isDense(secret.replace(/%[0-9A-F]{2}/gi, ''));
}
