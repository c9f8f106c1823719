import { digits } from '../alphabet.js';
import type { Rule } from '../rule.js';

/** Chat, mail, telephony, payments, shops. */
export const messagingRules: readonly Rule[] = [
  {
    kind: 'slack-bot-token',
    anchors: ['xoxb-'],
    shape: /xoxb-[A-Za-z0-9-]{20,255}/,
    weak: true,
    source: 'gitleaks slack-bot-token',
    example: 'xoxb-<digits:12>-<digits:13>-<alnum:24>',
  },
  {
    kind: 'slack-user-token',
    anchors: ['xoxp-'],
    shape: /xoxp-[A-Za-z0-9-]{20,255}/,
    weak: true,
    source: 'gitleaks slack-user-token',
    example: 'xoxp-<digits:12>-<digits:12>-<digits:13>-<hex:32>',
  },
  {
    kind: 'slack-config-token',
    anchors: ['xoxe.xox', 'xoxe-'],
    shape: /xoxe(?:\.xox[bp])?-[A-Za-z0-9-]{20,300}/,
    weak: true,
    source: 'gitleaks slack-config-access-token',
    example: 'xoxe.xoxp-1-<alnum:166>',
  },
  {
    kind: 'slack-session-token',
    anchors: ['xoxc-', 'xoxs-', 'xoxo-', 'xoxr-', 'xoxa-'],
    shape: /xox[csora]-[A-Za-z0-9-]{20,255}/,
    weak: true,
    source: 'gitleaks slack-legacy-token',
    example: 'xoxc-<digits:12>-<digits:12>-<digits:13>-<hex:64>',
  },
  {
    kind: 'slack-cookie',
    anchors: ['xoxd-'],
    shape: /xoxd-[A-Za-z0-9%+/=_-]{20,400}/,
    weak: true,
    source: 'kingfisher slack',
    example: 'xoxd-<alnum:60>%2B<alnum:40>',
  },
  {
    kind: 'slack-app-token',
    anchors: ['xapp-'],
    shape: /xapp-\d-[A-Z0-9]{8,16}-\d{8,16}-[A-Za-z0-9]{32,80}/,
    source: 'gitleaks slack-app-token',
    example: 'xapp-1-A<base32:10>-<digits:13>-<hex:64>',
  },
  {
    kind: 'slack-webhook',
    anchors: ['https://hooks.slack.com/', 'hooks.slack.com/'],
    shape:
      /(?:https:\/\/)?hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9+/_-]{20,200}/,
    source: 'gitleaks slack-webhook-url',
    example: 'https://hooks.slack.com/services/T<base32:10>/B<base32:10>/<alnum:24>',
  },
  {
    kind: 'discord-webhook',
    anchors: [
      'https://discord.com/api/',
      'https://discordapp.com/api/',
      'https://ptb.discord.com/api/',
      'https://canary.discord.com/api/',
      'discord.com/api/',
      'discordapp.com/api/',
    ],
    shape:
      /(?:https:\/\/)?(?:ptb\.|canary\.)?discord(?:app)?\.com\/api\/(?:v\d{1,2}\/)?webhooks\/\d{16,20}\/[\w-]{40,100}/,
    source: 'kingfisher discord',
    example: 'https://discord.com/api/webhooks/<digits:19>/<url:68>',
  },
  {
    kind: 'discord-bot-token',
    anchors: discordStarts(),
    shape: /[MNO][A-Za-z\d]{22,27}\.[\w-]{6,7}\.[\w-]{27,40}/,
    accepts: beginsWithUserId,
    source: 'gitleaks discord rules, trufflehog discordbottoken (fact only)',
    example: '<discordid>.<url:6>.<url:38>',
  },
  {
    kind: 'telegram-bot-token',
    anchors: [':AA'],
    lead: digits,
    notAfter: digits,
    shape: /\d{8,10}:AA[\w-]{32,35}/,
    source: 'gitleaks telegram-bot-api-token',
    example: '<digits:10>:AA<url:33>',
  },
  {
    kind: 'teams-webhook',
    anchors: ['.webhook.office.com/'],
    shape:
      /\.webhook\.office\.com\/webhookb2\/(?<secret>[0-9a-f-]{36}@[0-9a-f-]{36}\/[A-Za-z]{8,30}\/[0-9a-f]{32}\/[0-9a-f-]{36}(?:\/[\w-]{20,80})?)/,
    notAfter: new Uint8Array(256),
    source: 'gitleaks microsoft-teams-webhook',
    example:
      'https://acme.webhook.office.com/webhookb2/⟦<uuid>@<uuid>/IncomingWebhook/<hex:32>/<uuid>⟧',
  },
  {
    kind: 'twilio-key',
    anchors: [...'0123456789abcdef'].map((digit) => `SK${digit}`),
    shape: /SK[0-9a-f]{32}/,
    source: 'gitleaks twilio-api-key',
    example: 'SK<hex:32>',
  },
  {
    kind: 'sendgrid-key',
    anchors: ['SG.'],
    shape: /SG\.[\w-]{20,24}\.[\w-]{39,50}/,
    source: 'gitleaks sendgrid-api-token',
    example: 'SG.<url:22>.<url:43>',
  },
  {
    kind: 'mailgun-key',
    anchors: ['key-'],
    isWord: true,
    shape: /key-[0-9a-f]{32}/,
    source: 'gitleaks mailgun-private-api-token',
    example: 'key-<hex:32>',
  },
  {
    kind: 'mailchimp-key',
    anchors: ['-us1', '-us2', '-us3', '-us4', '-us5', '-us6', '-us7', '-us8', '-us9'],
    lead: 32,
    shape: /[0-9a-f]{32}-us\d{1,2}/,
    source: 'gitleaks mailchimp-api-key',
    example: '<hex:32>-us14',
  },
  {
    kind: 'mandrill-key',
    anchors: ['md-'],
    shape: /md-[A-Za-z0-9_-]{22}/,
    weak: true,
    accepts: hasDigitAndUpper,
    source: 'Mailchimp Transactional documentation',
    example: 'md-<alnum:22>',
  },
  {
    kind: 'resend-key',
    anchors: ['re_'],
    shape: /re_(?:[A-Za-z0-9]{6,12}_)?[A-Za-z0-9]{20,40}/,
    weak: true,
    accepts: hasDigitAndUpper,
    source: 'Resend documentation',
    example: 're_<alnum:8>_<alnum:24>',
  },
  {
    kind: 'brevo-key',
    anchors: ['xkeysib-', 'xsmtpsib-'],
    shape: /x(?:key|smtp)sib-[0-9a-fA-F]{64}-[A-Za-z0-9]{16}/,
    source: 'gitleaks sendinblue-api-token',
    example: 'xkeysib-<hex:64>-<alnum:16>',
  },
  {
    kind: 'klaviyo-key',
    anchors: ['pk_'],
    isWord: true,
    shape: /pk_[0-9a-f]{34}/,
    source: 'Klaviyo documentation',
    example: 'pk_<hex:34>',
  },
  {
    kind: 'stripe-key',
    anchors: ['sk_live_', 'sk_test_', 'sk_prod_', 'rk_live_', 'rk_test_', 'rk_prod_'],
    shape: /[sr]k_(?:live|test|prod)_[\w-]{16,250}/,
    source: 'gitleaks stripe-access-token',
    example: 'sk_live_<alnum:99>',
  },
  {
    kind: 'stripe-webhook-secret',
    anchors: ['whsec_'],
    shape: /whsec_[A-Za-z0-9+/=]{28,80}/,
    source: 'Stripe and Svix documentation',
    example: 'whsec_<alnum:32>',
  },
  {
    kind: 'square-token',
    anchors: ['sq0atp-', 'sq0csp-'],
    shape: /sq0(?:atp|csp)-[\w-]{22,60}/,
    source: 'gitleaks square-access-token',
    example: 'sq0atp-<url:22>',
  },
  {
    kind: 'square-access-token',
    anchors: ['EAAA'],
    shape: /EAAA[\w-]{56,64}/,
    weak: true,
    accepts: hasDigitAndUpper,
    source: 'gitleaks square-access-token',
    example: 'EAAA<url:60>',
  },
  {
    kind: 'shopify-token',
    anchors: ['shpat_', 'shpss_', 'shpca_', 'shppa_', 'shptka_', 'shpua_'],
    shape: /shp(?:at|ss|ca|pa|tka|ua)_[0-9a-fA-F]{32}/,
    source: 'gitleaks shopify-access-token',
    example: 'shpat_<hex:32>',
  },
  {
    kind: 'paypal-token',
    anchors: ['access_token$'],
    shape: /access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}/,
    source: 'kingfisher paypal',
    example: 'access_token$production$<lowalnum:16>$<hex:32>',
  },
  {
    kind: 'razorpay-key',
    anchors: ['rzp_live_', 'rzp_test_'],
    shape: /rzp_(?:live|test)_[A-Za-z0-9]{14,24}/,
    source: 'kingfisher razorpay',
    example: 'rzp_live_<alnum:14>',
  },
  {
    kind: 'flutterwave-key',
    anchors: ['FLWSECK-', 'FLWSECK_TEST-'],
    shape: /FLWSECK(?:_TEST)?-[0-9a-zA-Z]{12,40}(?:-X)?/,
    weak: true,
    source: 'gitleaks flutterwave-secret-key',
    example: 'FLWSECK_TEST-<hex:32>-X',
  },
  {
    kind: 'plaid-token',
    anchors: ['access-sandbox-', 'access-development-', 'access-production-'],
    shape:
      /access-(?:sandbox|development|production)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/,
    source: 'gitleaks plaid-api-token',
    example: 'access-production-<uuid>',
  },
  {
    kind: 'easypost-key',
    anchors: ['EZAK', 'EZTK'],
    shape: /EZ[AT]K[A-Za-z0-9]{54}/,
    source: 'gitleaks easypost-api-token',
    example: 'EZAK<alnum:54>',
  },
  {
    kind: 'shippo-token',
    anchors: ['shippo_live_', 'shippo_test_'],
    shape: /shippo_(?:live|test)_[0-9a-fA-F]{40}/,
    source: 'gitleaks shippo-api-token',
    example: 'shippo_live_<hex:40>',
  },
  {
    kind: 'duffel-token',
    anchors: ['duffel_live_', 'duffel_test_'],
    shape: /duffel_(?:live|test)_[\w=-]{40,50}/,
    source: 'gitleaks duffel-api-token',
    example: 'duffel_live_<url:43>',
  },
  {
    kind: 'mollie-key',
    anchors: ['live_', 'test_'],
    shape: /(?:live|test)_[A-Za-z0-9]{30,35}/,
    weak: true,
    accepts: hasDigitAndUpper,
    source: 'Mollie documentation',
    example: 'live_<alnum:30>',
  },
  {
    kind: 'paddle-key',
    anchors: ['pdl_live_apikey_', 'pdl_sdbx_apikey_', 'pdl_ntfset_'],
    shape: /pdl_(?:live_apikey|sdbx_apikey|ntfset)_[a-z0-9]{26}_[A-Za-z0-9+/_]{22,40}/,
    source: 'Paddle documentation',
    example: 'pdl_live_apikey_<lowalnum:26>_<alnum:26>',
  },
  {
    kind: 'telnyx-key',
    anchors: ['KEY0'],
    shape: /KEY0[0-9A-Fa-f]{28,32}_[A-Za-z0-9]{20,24}/,
    source: 'Telnyx documentation',
    example: 'KEY0<HEX:31>_<alnum:22>',
  },
];

/** The first three base64 characters of a number in ASCII digits. */
function discordStarts(): readonly string[] {
  const starts: string[] = [];
  for (let first = 1; first <= 9; first += 1) {
    for (let second = 0; second <= 9; second += 1) {
      starts.push(Buffer.from(`${first}${second}0`).toString('base64').slice(0, 3));
    }
  }
  return starts;
}

/** The first part of a bot token is the bot's id, 17 to 20 digits in base64. */
function beginsWithUserId(secret: string): boolean {
  const id = Buffer.from(secret.split('.')[0] ?? '', 'base64').toString('latin1');
  return /^\d{16,20}$/.test(id);
}

function hasDigitAndUpper(secret: string): boolean {
  const body = secret.slice(3);
  return /\d/.test(body) && /[A-Z]/.test(body) && /[a-z]/.test(body);
}
