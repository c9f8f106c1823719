import type { CommandManual } from '../manual/commands.js';

/** A possible next word and what it means. */
export interface Word {
  readonly word: string;
  readonly summary: string;
}

/** First words: commands, topics with the words below them, and `help`. */
export function firstWords(commands: readonly CommandManual[]): readonly Word[] {
  const below = topics(commands).map((topic) => ({
    word: topic,
    summary: secondWords(commands, topic)
      .map(({ word }) => word)
      .join(', '),
  }));
  const alone = commands.filter(({ name }) => !name.includes(' '));
  const words = [
    ...below.filter(({ word }) => alone.every(({ name }) => name !== word)),
    ...alone.map(({ name, summary }) => ({ word: name, summary })),
    { word: 'help', summary: 'list all commands, or show help for one' },
  ];
  return words.sort((a, b) => (a.word < b.word ? -1 : 1));
}

/** Words with further words below them. */
export function topics(commands: readonly CommandManual[]): readonly string[] {
  const firsts = commands
    .filter(({ name }) => name.includes(' '))
    .map(({ name }) => name.split(' '));
  return [...new Set(firsts.map(([first = '']) => first))];
}

export function secondWords(commands: readonly CommandManual[], topic: string): readonly Word[] {
  return commands
    .filter(({ name }) => name.startsWith(`${topic} `))
    .map(({ name, summary }) => ({ word: name.slice(topic.length + 1), summary }));
}

/** For POSIX shells and zsh. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
