import type { Rule } from '../rule.js';

/** Private keys of cryptocurrencies and of signed messages. */
export const walletRules: readonly Rule[] = [
  {
    kind: 'nostr-key',
    anchors: ['nsec1'],
    shape: /nsec1[ac-hj-np-z02-9]{58}/,
    source: 'Nostr NIP-19',
    example: 'nsec1<bech32l:58>',
  },
  {
    kind: 'sui-key',
    anchors: ['suiprivkey1'],
    shape: /suiprivkey1[ac-hj-np-z02-9]{50,70}/,
    source: 'Sui documentation, keys',
    example: 'suiprivkey1<bech32l:58>',
  },
  {
    kind: 'tezos-key',
    anchors: ['edsk'],
    shape: /edsk[1-9A-HJ-NP-Za-km-z]{50,94}/,
    source: 'Tezos documentation, cryptographic keys',
    example: 'edsk<base58:50>',
  },
  {
    kind: 'stellar-seed',
    anchors: ['stellar', 'STELLAR', 'Stellar'],
    shape: /(?:stellar|STELLAR|Stellar)[\w. -]{0,30}[\s"'=:\\]{1,70}(?<secret>S[A-Z2-7]{55})/,
    source: 'Stellar documentation, SEP-23',
    example: 'STELLAR_SECRET=⟦S<base32:55>⟧',
  },
  {
    kind: 'bitcoin-wif',
    anchors: [
      'importprivkey ',
      'privkey ',
      'PRIVKEY',
      'wif ',
      'WIF',
      'wif=',
      'wif:',
      '"wif"',
      'privkey"',
      'privkey=',
    ],
    shape:
      /(?:importprivkey|privkey|PRIVKEY|wif|WIF)[\s"'=:\\(,]{1,70}(?<secret>[5KL][1-9A-HJ-NP-Za-km-z]{50,51})/,
    source: 'Bitcoin wiki, wallet import format',
    example: 'importprivkey ⟦K<base58:51>⟧',
  },
  {
    kind: 'extended-private-key',
    anchors: ['xprv', 'yprv', 'zprv', 'tprv'],
    shape: /[xyzt]prv[1-9A-HJ-NP-Za-km-z]{100,112}/,
    source: 'BIP 32',
    example: 'xprv<base58:107>',
  },
  {
    kind: 'near-key',
    anchors: ['ed25519:'],
    shape: /ed25519:[1-9A-HJ-NP-Za-km-z]{80,90}/,
    source: 'NEAR documentation, access keys',
    example: 'ed25519:<base58:87>',
  },
  {
    kind: 'cardano-key',
    anchors: ['ed25519e_sk1', 'ed25519_sk1', 'xprv1', 'addr_xsk1', 'root_xsk1'],
    shape: /(?:ed25519e?_sk1|xprv1|addr_xsk1|root_xsk1)[ac-hj-np-z02-9]{50,180}/,
    source: 'Cardano CIP-5',
    example: 'ed25519_sk1<bech32l:58>',
  },
  {
    kind: 'minisign-key',
    anchors: ['RWRTY0Iy'],
    shape: /RWRTY0Iy[A-Za-z0-9+/=]{80,240}/,
    source: 'minisign(1)',
    example: 'RWRTY0Iy<b64:200>',
  },
];
