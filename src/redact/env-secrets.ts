import { parseEnv } from 'node:util';

/**
 * What the user's own settings say is secret: values of variables whose names tell. They are only ever held in memory, and
 * the engine itself leaves out what is too short or too common to be one.
 */
type Variables = Readonly<Record<string, string | undefined>>;

/** The words that tell, at the end of a name or before a number: `GITHUB_TOKEN`, `DB_PASSWORD`, `apiKey2`. */
const secretEnding =
  /(?:token|secret|password|passwd|passphrase|pwd|api_?key|access_?key|private_?key|secret_?key|auth_?key|encryption_?key|signing_?key|credentials?|dsn|connection_?string)(?:_?\d+)?$/i;
const keyEnd = /(?:^|_)key(?:_?\d+)?$/i;
/** Names that end so and hold no secret. */
const harmless =
  /(?:public|publishable|host|ssh_auth_sock|max|min|num|count)_?(?:api_?)?(?:key|tokens?)$/i;
/** Values that point at a secret instead of being one. */
const reference = /^(?:\/|~\/|\.{1,2}\/|[a-z]:\\|op:\/\/|vault:|\$\{?[A-Z_]+\}?$)/i;

export function isSecretName(name: string): boolean {
  return (secretEnding.test(name) || keyEnd.test(name)) && !harmless.test(name);
}

/** The values of the variables whose names tell. */
export function secretsOf(variables: Variables): readonly string[] {
  return Object.entries(variables)
    .filter(([name]) => isSecretName(name))
    .map(([, value]) => value?.trim() ?? '')
    .filter((value) => value !== '' && !reference.test(value));
}

/** As `secretsOf`, of a `.env` file's text. Whatever is not an assignment in it is left out. */
export function secretsOfDotEnv(text: string): readonly string[] {
  return secretsOf(parseEnv(text));
}

/** `.env`, `.env.local`, `.env.production`; not the examples that are kept in a repository. */
export function isDotEnv(fileName: string): boolean {
  return (
    /^\.env(?:\.[\w.-]+)?$/.test(fileName) && !/(?:example|sample|template|dist)$/.test(fileName)
  );
}
