import { base64, urlSafe } from '../alphabet.js';
import type { Rule } from '../rule.js';

const source = 'Microsoft security utilities, identifiable keys (facts only)';

/**
 * Keys of Azure's services in which a fixed signature tells the service, with the random bytes
 * before it.
 */
export const identifiableKeyRules: readonly Rule[] = [
  {
    kind: 'azure-identifiable-key',
    anchors: ['+ASb', '+AEh', 'AIoT', '+ARm', '+AMC', 'AzCa', 'AZEG'],
    lead: 33,
    notAfter: base64,
    shape: /[A-Za-z0-9+/]{33}(?:\+ASb|\+AEh|AIoT|\+ARm|\+AMC|AzCa|AZEG)[A-P][A-Za-z0-9+/]{5}=/,
    source,
    example: '<alnum:33>+ASbA<alnum:5>=',
  },
  {
    kind: 'azure-identifiable-key',
    anchors: ['ACDb', '+ABa', 'APIM'],
    lead: 76,
    notAfter: base64,
    shape: /[A-Za-z0-9+/]{76}(?:ACDb|\+ABa|APIM)[A-Za-z0-9+/]{5}[AQgw]==/,
    source,
    example: '<alnum:76>ACDb<alnum:5>A==',
  },
  {
    kind: 'azure-identifiable-key',
    anchors: ['AzFu'],
    lead: 44,
    notAfter: urlSafe,
    shape: /[\w-]{44}AzFu[\w-]{5}[AQgw]==/,
    source,
    example: '<alnum:44>AzFu<alnum:5>A==',
  },
  {
    kind: 'azure-identifiable-key',
    anchors: ['AzSe', '+ACR'],
    lead: 42,
    notAfter: base64,
    shape: /[A-Za-z0-9+/]{42}(?:AzSe|\+ACR)[A-D][A-Za-z0-9+/]{5}/,
    source,
    example: '<alnum:42>AzSeA<alnum:5>',
  },
];
