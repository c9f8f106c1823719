/** What a name says about the value that it is given. */
export type SecretName = 'password' | 'secret' | 'token' | 'key';

/** Lower case, without separators: `X-Api-Key` and `xApiKey` are `xapikey`. */
export function bareName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** `undefined` when the name is no reason to look at the value. */
export function secretNameOf(name: string): SecretName | undefined {
  const words = wordsOf(name);
  const last = words.at(-1);
  if (last === undefined || words.some((word) => publicWords.has(word))) return undefined;
  const owners = words.slice(0, -1);
  const owner = owners.at(-1);
  switch (last) {
    case 'password':
    case 'passwd':
    case 'passphrase':
    case 'passwort':
    case 'passcode':
      return 'password';
    case 'pwd':
      return owner === 'old' ? undefined : 'password';
    case 'pass':
      return owner === undefined || passOwners.has(owner) ? 'password' : undefined;
    case 'secret':
    case 'credential':
    case 'credentials':
    case 'creds':
      return 'secret';
    case 'auth':
      return 'token';
    case 'token':
      return owner !== undefined && tokenCounters.has(owner) ? undefined : 'token';
    case 'key':
      return isKeyOwned(owners) ? 'key' : undefined;
    default:
      return undefined;
  }
}

const endings = ['password', 'passwd', 'passphrase', 'token', 'secret', 'key', 'pass', 'pwd'];

/** The words of a name in lower case, what only qualifies the value left off: `SECRET_KEY_BASE` is `secret key`. */
function wordsOf(name: string): readonly string[] {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  while (words.length > 1 && qualifiers.test(words.at(-1) ?? '')) words.pop();
  const last = words.pop() ?? '';
  const bare = last.replace(/\d{1,2}$/, '');
  const ending = endings.find((end) => bare.endsWith(end) && bare !== end);
  if (ending === undefined) return [...words, bare];
  return [...words, bare.slice(0, -ending.length), ending];
}

const qualifiers =
  /^(?:base|value|val|raw|plain|plaintext|production|prod|staging|stage|dev|development|test|live|base64|b64|hex|string|str|env|primary|secondary|old|new|default|v?\d{1,3})$/;

const publicWords = new Set(words('public publishable pub csrf xsrf anon anonymous'));

/** Counters, cursors and parts of languages. */
const tokenCounters = new Set(
  words(
    'max min next prev previous page paging continuation continue resume sync start stop end eos bos pad unk sep cls mask ' +
      'special cancel cancellation abort input output prompt completion cached cache reasoning total num count per first last ' +
      'current fencing lease peek parse lex ident identifier syntax change delta skip scroll watch checkpoint cursor design ' +
      'color theme mention is has vocab word sub nextpage marker string operator keyword punctuation key',
  ),
);

const passOwners = new Set(
  words(
    'db user usr smtp redis mail email admin root ftp sftp pg mysql database mongo ldap http proxy sudo auth api app my ' +
      'basic keystore ssh vpn wifi db service account master',
  ),
);

/** Words that make a key a secret wherever in its name they stand, vendors among them. */
const keyOwners = new Set(
  words(
    'api secret private priv encryption encrypt decryption signing master preshared psk hmac aes rsa gpg pgp jwt jwk ' +
      'django flask rails nextauth laravel openai anthropic claude mistral cohere groq gemini google gcp azure aws minio ' +
      'stripe twilio sendgrid mailgun datadog dd newrelic sentry cloudflare cf wandb heroku algolia deepseek together ' +
      'fireworks replicate pinecone supabase firebase fcm github gitlab npm nuget openrouter tavily serper brave exa ' +
      'firecrawl jina voyage elevenlabs deepgram assemblyai perplexity xai huggingface hf langsmith langchain langfuse ' +
      'posthog segment mixpanel amplitude airtable notion linear figma postman grafana honeycomb pagerduty opsgenie ' +
      'alchemy infura etherscan coinbase binance openweather tmdb unsplash giphy mapbox shopify square plaid resend ' +
      'postmark brevo mailchimp klaviyo wallet deployer ingestion sharedaccess',
  ),
);

/** Words that make a key a secret when they stand right before it. */
const directKeyOwners = new Set(
  words(
    'access app application encoding signature sign account storage service subscription licence license shared ssh deploy admin ' +
      'auth tls ssl session client root consumer webhook cookie crypto ingest write read server instrumentation user ' +
      'global record rest bot team tenant integration function functions host system signer merchant vault backup ' +
      'recovery validation security secure maps',
  ),
);

function isKeyOwned(owners: readonly string[]): boolean {
  const owner = owners.at(-1);
  if (owner === undefined) return false;
  return isOwner(owner) || isOwnedFarther(owners, owner);
}

/** Also the end of words written together: `storageaccount`. */
function isOwner(word: string): boolean {
  for (let start = 0; start + 4 <= word.length; start += 1) {
    const part = word.slice(start);
    if (directKeyOwners.has(part) || keyOwners.has(part)) return true;
  }
  return directKeyOwners.has(word) || keyOwners.has(word);
}

function isOwnedFarther(owners: readonly string[], owner: string): boolean {
  return !harmlessKeys.has(owner) && owners.some((word) => keyOwners.has(word));
}

const harmlessKeys = new Set(
  words(
    'foreign primary partition sort range cache index idempotency react row column object group map dict translation i18n ' +
      'locale lookup hash hot short shortcut site known event message metric data config state store item list unique ' +
      'composite natural bucket file path query sorting header meta route feature flag registry id name type',
  ),
);

function words(text: string): readonly string[] {
  return text.split(' ');
}
