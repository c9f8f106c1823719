import { isJumbled } from '../entropy.js';
import type { Rule } from '../rule.js';

const nothing = new Uint8Array(256);
const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** Addresses that let whoever knows them post: the secret is part of the path or the query. */
export const webhookRules: readonly Rule[] = [
  {
    kind: 'webhook',
    anchors: ['robot/send?access_token='],
    notAfter: nothing,
    shape: /robot\/send\?access_token=(?<secret>[0-9a-f]{64})/,
    source: 'DingTalk documentation, custom robots',
    example: 'https://oapi.dingtalk.com/robot/send?access_token=⟦<hex:64>⟧',
  },
  {
    kind: 'webhook',
    anchors: ['webhook/send?key='],
    notAfter: nothing,
    shape: new RegExp(String.raw`webhook\/send\?key=(?<secret>${uuid})`),
    source: 'WeCom documentation, group robots',
    example: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=⟦<uuid>⟧',
  },
  {
    kind: 'webhook',
    anchors: ['/open-apis/bot/'],
    notAfter: nothing,
    shape: new RegExp(String.raw`\/open-apis\/bot\/(?:v2\/)?hook\/(?<secret>${uuid}|\w{30,40})`),
    source: 'Feishu and Lark documentation, custom bots',
    example: 'https://open.feishu.cn/open-apis/bot/v2/hook/⟦<uuid>⟧',
  },
  {
    kind: 'webhook',
    anchors: ['hooks.zapier.com/hooks/'],
    notAfter: nothing,
    shape:
      /hooks\.zapier\.com\/hooks\/[a-z]{4,10}\/\d{4,12}\/(?<secret>[a-z0-9]{6,10})(?![a-z0-9])/,
    source: 'Zapier documentation, catch hooks',
    example: 'https://hooks.zapier.com/hooks/catch/1234567/⟦<lowalnum:7>⟧/',
  },
  {
    kind: 'webhook',
    anchors: ['/with/key/'],
    notAfter: nothing,
    shape: /\/with\/key\/(?<secret>[\w-]{20,64})/,
    source: 'IFTTT documentation, Webhooks',
    example: 'https://maker.ifttt.com/trigger/built/with/key/⟦<url:43>⟧',
  },
  {
    kind: 'webhook',
    anchors: ['.make.com/', '.integromat.com/'],
    notAfter: nothing,
    shape: /\.(?:make|integromat)\.com\/(?<secret>[a-z0-9]{30,36})(?![a-z0-9])/,
    source: 'Make documentation, webhooks',
    example: 'https://hook.eu1.make.com/⟦<lowalnum:32>⟧',
  },
  {
    kind: 'webhook',
    anchors: ['/hooks/'],
    notAfter: nothing,
    shape: /\/hooks\/(?<secret>[a-z0-9]{26})(?![\w-])/,
    accepts: (secret) => /\d/.test(secret) || isJumbled(secret),
    source: 'Mattermost documentation, incoming webhooks',
    example: 'https://chat.example.org/hooks/⟦<lowalnum:26>⟧',
  },
  {
    kind: 'webhook',
    anchors: ['chat.googleapis.com/v1/spaces/'],
    notAfter: nothing,
    shape:
      /chat\.googleapis\.com\/v1\/spaces\/[^\s"']{0,160}?(?:[?&]|\\u0026)token=(?<secret>[\w%=-]{30,80})/,
    source: 'Google Chat documentation, webhooks',
    example: 'https://chat.googleapis.com/v1/spaces/AAQA/messages?threadKey=a&token=⟦<url:43>⟧',
  },
  {
    kind: 'webhook',
    anchors: ['hc-ping.com/', 'uptime.betterstack.com/api/v1/heartbeat/'],
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?:hc-ping\.com|uptime\.betterstack\.com\/api\/v1\/heartbeat)\/(?<secret>${uuid}|[A-Za-z0-9]{22,24})`,
    ),
    source: 'Healthchecks.io and Better Stack documentation',
    example: 'curl https://hc-ping.com/⟦<uuid>⟧',
  },
];
