import { alphabet, digits, isIn, runEnd } from '../alphabet.js';
import { pastBlanks, pastMargin, pastNewline } from './blanks.js';
import { pastDecoration } from './decoration.js';
import type { Gap } from './tie.js';

/** Gaps between a name and its value that are made of words: verbs, owners, clauses, elements. */

/** The first words of the verbs and qualifiers below. */
const gapWords = new Set(
  (
    'needs is was are now equals ist lautet war wird est es era jest to brzmi je bylo ar var blev este on adalah merupakan has have ' +
    'should must will got set changed reset updated rotated er e n s for of in from fuer von zu de del du da do para pour ' +
    'per voor dla till til f l n string str varchar text that which we you they he she I here c vom k ' +
    'za admin root user database db wifi vpn ssh ftp mail email smtp server router sudo postgres mysql prod staging dev login'
  ).split(' '),
);
/** The longest of them. */
export const longestWord = 12;
export const farthestDigit = 72;
/** Their possible initial letters, by length. */
const gapWordShapes = new Uint8Array(0x1000);
for (const word of gapWords) gapWordShapes[shapeOf(word.charCodeAt(0), word.length)] = 1;

function shapeOf(first: number, length: number): number {
  return (first << 4) | length;
}

/** Whether a word may begin such a gap, by its first letter and length. */
export function mayBeGapWord(first: number, length: number): boolean {
  return length <= longestWord && gapWordShapes[shapeOf(first, length)] === 1;
}

const lettersAndDigits = alphabet('A-Za-z0-9');
const longestNumber = 3;
const verbs =
  /^[ \t]{0,3}(?:(?:has been |have been |should be |must be |will be |was |is |got )?(?:now )?(?:set to|changed to|reset to|updated to|rotated to)|(?:should be|must be|needs to be|is|was|are|c'est|equals|ist|lautet|\xd1\x82\xd0\xb0\xd0\xba\xd0\xbe\xd0\xb9|war|wird|est|es|ser\xc3\xa1|era|jest|to|brzmi|je|bylo|ar|are|var|blev|este|on|n\xc3\xb3 l\xc3\xa0|l\xc3\xa0|\xce\xb5\xce\xaf\xce\xbd\xce\xb1\xce\xb9|\xd1\x94|\xe0\xa4\xb9\xe0\xa5\x88|adalah|merupakan)(?: (?:set to|now|still|just|simply|called|jetzt|ahora|maintenant))?|\xc3\xa9|\xc3\xa8|\\{1,64}u00e[89]|\xc3\xa4r|\\{1,64}u00e4r|\xc3\xa6r|er|e|-(?= )|\xe2\x80[\x93\x94](?= )|\xe3\x81\xaf|\xe3\x81\x8c|\xe0\xb8\x84\xe0\xb8\xb7\xe0\xb8\xad|\xd9\x87\xd9\x8a|\xd7\x94\xd7\x99\xd7\x90|\xe6\x98\xaf|\xe4\xb8\xba|\xe7\x82\xba|\xe5\xb0\xb1\xe6\x98\xaf|\xeb\x8a\x94|\xec\x9d\x80)(?::|\xef\xbc\x9a)?(?:[ \t]{1,3}|(?=[^a-z \t])|(?<=[\x80-\xff]))/;
const qualifier =
  /^(?:\(s\))?(?:[ \t]{1,3}(?:for|of|on|to|in|from|f(?:\xc3\xbc|\\{1,64}u00fc)r|\xd0\xbe\xd1\x82|\xd0\xb4\xd0\xbb\xd1\x8f|\xd0\xba|\xd0\xbd\xd0\xb0|\xd0\xb2|fuer|von|vom|zu|k|de|del|du|da|do|para|pour|per|voor|dla|till?|za) [^\n:=\\"]{1,60}|[ \t]{0,3}[([][^)\]\n\\"]{1,40}[)\]]|[ \t]{1,3}(?:#?\d{1,3}|admin|root|user|database|db|wifi|vpn|ssh|ftp|e?mail|smtp|server|router|sudo|postgres|mysql|prod|staging|dev|login|(?:[\xd0-\xd2][\x80-\xbf]){3,20}))[ \t]{0,2}(?:[:=]|[-=]>|\xef\xbc\x9a|(?<= )(?:is|was|ist|lautet|es|est|je|jest|to|er|on|este|\xc3\xa4r|\xc3\xa9|\xc3\xa8|\\{1,64}u00e[489]r?) )/;
const typeOfValue =
  /^[ \t]{1,2}(?:string|String|str|varchar|text)(?:\(\d{1,4}\))?[ \t]{0,2}:?=[ \t]{0,2}(?=\\{0,64}["'`])/;
const element =
  /^<\/[\w:.-]{1,40}>[:=]?(?:\s|\\{1,64}[nrt]|\d{1,6}(?=\t|\\{1,64}t|\xe2\x86\x92)|\xe2\x86\x92){0,60}<[\w:.-]{1,40}>/;
const attributes =
  /^(?:[ \t]{1,4}[\w:.-]{1,40}=\\{0,64}["'][^"'\\<>\n]{0,80}\\{0,64}["']){1,4}[ \t]{0,2}>/;
const heredoc = /^<<-?\\{0,64}["']?[A-Za-z_]{1,20}\\{0,64}["']?(?=[\n\\\r])/;
/** `the key I got: …`, `the password you need is …`, `my token, please keep it: …` */
const clause =
  /^,?[ \t](?:that|which|who|I|we|you|they|he|she|don't|do|please|never)(?: [a-z']{1,12}){1,8}(?::| is| was| =| ->| =>| \xe2\x86\x92| \\{1,64}u2192)[ \t]{1,3}(?:now )?|^ here is |^,? (?:it|that)'s now /;
/** `пароль от базы …`, but not of a user, whose name would follow. */
const owner =
  /^[ \t](?:\xd0\xbe\xd1\x82|\xd0\xb4\xd0\xbb\xd1\x8f|\xd0\xba|\xd0\xbd\xd0\xb0) (?!\xd0\xbf\xd0\xbe\xd0\xbb\xd1\x8c\xd0\xb7)[\x80-\xff\w-]{2,60} (?=[!-~]{8})/;
/** Words of other scripts, then a colon or `is` in Arabic, Hindi, Greek or Hebrew: `كلمة مرور قاعدة البيانات: …` */
const foreignOwner =
  /^(?: [\x80-\xff]{2,60}){1,4}(?:[ \t]?(?::|\xef\xbc\x9a)|(?<= (?:\xd9\x87[\xd9][\x88\x8a]|\xe0\xa4\xb9\xe0\xa5\x88|\xce\xb5\xce\xaf\xce\xbd\xce\xb1\xce\xb9|\xd7\x94\xd7[\x95\x99]\xd7[\x90])))[ \t]{1,3}/;
const wordStarts = alphabet('A-Za-z0-9#([<\\,-');
/** Gaps made of words: verbs, `for root:`, the elements of a property list, the mark of a here-document. */
export function afterWords(bytes: Buffer, closed: number, at: number): Gap | undefined {
  const first = bytes[at] ?? 0;
  if (first < 0x80 && !isIn(wordStarts, first)) return undefined;
  if (isIn(lettersAndDigits, first) && !isGapWord(bytes, at)) return undefined;
  if (!hasTellingByte(bytes, at, at + farthestDigit)) return undefined;
  const text = bytes.toString('latin1', closed, closed + 200);
  const verb = verbs.exec(text);
  if (verb !== null) return stated(bytes, closed + verb[0].length);
  const qualified = qualifier.exec(text);
  if (qualified !== null) {
    const { end } = pastDecoration(bytes, pastBlanks(bytes, closed + qualified[0].length));
    return { valueAt: end, tie: 'stated' };
  }
  const said = clause.exec(text) ?? owner.exec(text) ?? foreignOwner.exec(text);
  if (said !== null) return stated(bytes, closed + said[0].length);
  const typed = typeOfValue.exec(text);
  if (typed !== null) return { valueAt: closed + typed[0].length, tie: 'spaced' };
  const tag = element.exec(text) ?? attributes.exec(text);
  if (tag !== null) return { valueAt: closed + tag[0].length, tie: 'assigned' };
  const document = heredoc.exec(text);
  if (document === null) return undefined;
  const lineStart = pastNewline(bytes, closed + document[0].length);
  return { valueAt: pastMargin(bytes, lineStart), tie: 'placed' };
}

/** Whether a number, one of the words above or an attribute's name follows. */
function isGapWord(bytes: Buffer, at: number): boolean {
  const end = runEnd(bytes, at, lettersAndDigits, at + longestWord + 1);
  const length = end - at;
  if (length > longestWord) return false;
  if (bytes[end] === 0x3d || bytes[end] === 0x3a) return true;
  if (length <= longestNumber && runEnd(bytes, at, digits, end) === end) return true;
  return mayBeGapWord(bytes[at] ?? 0, length) && gapWords.has(bytes.toString('latin1', at, end));
}

/** Secret values contain digits or signs; prose mostly does not. */
export function hasTellingByte(bytes: Buffer, from: number, to: number): boolean {
  const end = Math.min(to, bytes.length);
  for (let at = from; at < end; at += 1) {
    if (tellingBytes[bytes[at] ?? 0] === 1) return true;
  }
  return false;
}

/** Bytes found in passwords but not in words. */
export const tellingBytes = alphabet('0-9!@#$%^&*+=?~()');

function stated(bytes: Buffer, from: number): Gap {
  const { end, isNextLine } = pastDecoration(bytes, pastBlanks(bytes, from));
  return { valueAt: end, tie: isNextLine ? 'placed' : 'stated' };
}
