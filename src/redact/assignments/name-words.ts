/** The words that make up the names of secrets. */

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}

export const passwordWords = words(
  'password passwd rootpw dbpw userpw adminpw bindpw authpw masterauth passphrase passwort passcode passwrd pword pswd pw psk kennwort losungswort contrasena contrasenya ' +
    'contraseña senha motdepasse mdp wachtwoord losenord haslo heslo sifre parola parole parool salasana adgangskode passord ' +
    'jelszo jelszava parol passkey clave lozinka sandi kodeord zugangscode slaptazodis geslo sifra',
);

/** Words for passwords in languages that add the article or case as a suffix. */
export const declinedWords = words(
  'passord adgangskode kodeord losenord salasana heslo haslo jelszo wachtwoord kennwort passwort parola senha sandi',
);

/** Before a word for a password, these make the name a setting about passwords. */
export const askers = words(
  'ask allow show hide reset require random empty has use enable disable min max forgot no',
);

export const secretWords = words('secret credential credentials creds pepper salt hmac mnemonic');

export const tokenWords = words('auth token');

/** Words that also name things that are not secret; the value must be a token beyond doubt. */
export const sessionWords = words(
  'jwt bearer session sessionid sessid sid cookie otp totp pat sas assertion ticket authorization master seed',
);

/** Words at the end of a name that only qualify the value: `SECRET_KEY_BASE` is `secret key`. */
export const qualifiers =
  /^(?:base|value|val|raw|plain|plaintext|text|production|prod|staging|stage|dev|development|test|live|base64|b64|hex|string|str|env|primary|secondary|old|new|default|current|previous|v?\d{1,3})$/;

export const publicWords = words('public publishable pub csrf xsrf anon anonymous');

/** Counters, cursors and parts of languages. */
export const tokenCounters = words(
  'max min next prev previous page paging continuation continue resume sync start stop end eos bos pad unk sep cls mask ' +
    'special cancel cancellation abort input output prompt completion cached cache reasoning total num count per first last ' +
    'current fencing lease peek parse lex ident identifier syntax change delta skip scroll watch checkpoint cursor design ' +
    'color theme mention is has vocab word sub nextpage marker string operator keyword punctuation key redir redirect creation ' +
    'idempotency pagination',
);

export const passOwners = words(
  'db user usr smtp redis mail email admin root ftp sftp pg mysql database mongo ldap http proxy sudo auth api app my basic ' +
    'keystore truststore store key require ssh vpn wifi service account master become bind imap rabbitmq postgres mssql sql ansible ' +
    'login server guest relay temp initial default wpa router host client tls ssl vnc rdp tunnel panel cert pfx p12 jks ca repl backup grafana jenkins nexus docker registry git svn bot svc deploy release prod staging ci publish signing keychain',
);

/** Words that make a key a secret anywhere in its name, vendors among them. */
export const keyOwners = words(
  'api secret private priv encryption encrypt decryption signing master preshared psk hmac aes rsa gpg pgp jwt jwk ' +
    'django flask rails nextauth laravel openai anthropic claude mistral cohere groq gemini google gcp azure aws minio ' +
    'stripe twilio sendgrid mailgun datadog dd newrelic sentry cloudflare cf wandb heroku algolia deepseek together ' +
    'fireworks replicate pinecone supabase firebase fcm github gitlab npm nuget openrouter tavily serper brave exa ' +
    'firecrawl jina voyage elevenlabs deepgram assemblyai perplexity xai huggingface hf langsmith langchain langfuse ' +
    'posthog segment mixpanel amplitude airtable notion linear figma postman grafana honeycomb pagerduty opsgenie ' +
    'alchemy infura etherscan coinbase binance openweather tmdb unsplash giphy mapbox shopify square plaid resend ' +
    'postmark brevo mailchimp klaviyo wallet deployer ingestion sharedaccess unseal',
);

/** Words that make a key a secret directly before it. */
export const directKeyOwners = words(
  'access app application encoding signature sign account storage service subscription licence license shared ssh deploy ' +
    'admin auth tls ssl session client root consumer webhook cookie crypto ingest write read server instrumentation user ' +
    'global record rest bot team tenant integration function functions host system signer merchant vault backup ' +
    'recovery validation security secure maps',
);

/** Names of other kinds of keys: of tables, caches, objects, keyboards. */
export const harmlessKeys = words(
  'foreign primary partition sort range cache index idempotency react row column object group map dict translation i18n ' +
    'locale lookup hash hot short shortcut site known event message metric data config state store item list unique ' +
    'composite natural bucket file path query sorting header meta route feature flag registry id name type s3 build ' +
    'checksum etag content asset image video audio media upload download document trace span request correlation dedupe ' +
    'dedup lock mutex job queue task thread conversation chat run commit ref revision version snapshot manifest layer ' +
    'blob digest fingerprint parent child prefix suffix field property attribute param parameter option tag label ' +
    'dictionary json yaml redis memcached localstorage storagekey provider artifact dependency lockfile shard routing order',
);
