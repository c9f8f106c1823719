import { isTypedPassword } from '../assignments/typed-password.js';
import { isRandom } from '../entropy.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);
const lineBreak = String.raw`(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)`;
/** To the end of the line, written as a byte or as an escape. */
const rest = String.raw`(?:[^\n\\]|\\(?![nr])){0,200}?`;
const printed = String.raw`${lineBreak}(?:\\{0,64}["'])?(?<secret>[^\s"'\x60\\]{8,400})(?:\\{0,64}["'])?(?=\s|\\{1,64}[nrt]|\\{0,64}["'\x60]|$)`;
const secretName =
  '[A-Za-z_]{0,40}(?:PASS(?:WORD|PHRASE)?|PWD|SECRET|TOKEN|KEY|[Pp]ass(?:word|phrase)?|pwd|[Ss]ecret|[Tt]oken|[Kk]ey)(?:_?(?:[0-9]{1,2}|PROD|prod|VALUE|value|BASE|base|RAW|raw))?';

/** Secrets on the line below the command that prints them. */
export const commandOutputRules: readonly Rule[] = [
  {
    kind: 'printed-secret',
    anchors: [
      ...['versions access ', 'op read ', 'op item get ', 'bw get password ', 'pass show '],
      ...['secret-tool lookup ', 'find-generic-password ', 'find-internet-password '],
      ...['kv get -field', 'vault read -field', 'get-secret-value ', 'keyvault secret show '],
      ...['secrets get ', 'config:get ', 'chamber read ', 'gh auth token', 'lpass show '],
      ...['print-access-token', 'print-identity-token', 'kubectl create token '],
      ...['configure get aws_s', 'get-parameter ', 'keyring get '],
    ],
    notAfter: nothing,
    shape: new RegExp(
      `(?:versions access|op read|op item get|bw get password|pass show|secret-tool lookup|find-(?:generic|internet)-password|(?:kv get|vault read) -field|get-secret-value|keyvault secret show|secrets get|config:get|chamber read|gh auth token|lpass show|print-(?:access|identity)-token|kubectl create token|configure get aws_s|get-parameter|keyring get)${rest}${printed}`,
    ),
    accepts: isPrinted,
    source: 'manuals of the clients of secret stores',
    example: 'op read op://prod/db/password\n⟦<alnum:20>⟧\n',
  },
  {
    kind: 'printed-secret',
    anchors: ['base64 -d', 'base64 -D', 'base64 --decode'],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?<=(?:get secrets?|data\.|SecretBinary)[^\n]{1,200})base64 (?:-d|-D|--decode)(?:[;&]{1,2} ?echo)?${printed}`,
    ),
    accepts: isPrinted,
    source: 'Kubernetes documentation, managing secrets using kubectl',
    example: "kubectl get secret db -o jsonpath='{.data.password}' | base64 -d\n⟦<alnum:20>⟧\n",
  },
  {
    kind: 'printed-secret',
    anchors: [
      'terraform output ',
      'tofu output ',
      'config get ',
      'printenv ',
      'echo $',
      'echo \\"$',
      'echo "$',
    ],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:(?:terraform|tofu) output|config get|printenv|echo)(?: -[\w-]{1,12}){0,3} (?:\\{0,64}")?\$?\{?${secretName}\}?(?:\\{0,64}")?[ \t]{0,4}${printed}`,
    ),
    accepts: isPrinted,
    source: 'Terraform and Pulumi references; printenv(1)',
    example: 'terraform output -raw db_password\n⟦<alnum:20>⟧\n',
  },
  {
    kind: 'password',
    anchors: ['random_password'],
    shape:
      /random_password\\{0,64}["'](?:[^\n]|\n){0,1000}?\\{0,64}"result\\{0,64}"\s?:\s?\\{0,64}"(?<secret>[^"\\]{6,200})/,
    accepts: isPrinted,
    source: 'Terraform, random provider, state',
    example: '"type": "random_password", "attributes": {"length": 20, "result": "⟦<alnum:20>⟧"}',
  },
  {
    kind: 'password',
    anchors: ['requirepass"', 'requirepass\\', 'masterauth"', 'masterauth\\'],
    shape:
      /(?:requirepass|masterauth)\\{0,64}"(?:\s|\\{1,64}[nr]){1,4}2\) \\{0,64}"(?<secret>[^"\\\s]{6,200})/,
    accepts: isPrinted,
    source: 'Redis command reference, CONFIG GET',
    example: '1) "requirepass"\n2) "⟦<alnum:24>⟧"\n',
  },
];

/** Not a prompt, an error or the next command. */
function isPrinted(text: string): boolean {
  if (/[<>\x80-\xff]|^[$[({#~.-]|^[\w.-]+@[\w.-]+|[:>%]$|^\w+:\/\//.test(text)) return false;
  return (isRandom(text) && /\d/.test(text)) || isTypedPassword(text);
}
