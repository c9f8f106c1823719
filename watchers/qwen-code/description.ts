import type { HarnessDescription } from '../harness.js';

/** https://qwenlm.github.io/qwen-code-docs */
export const qwenCode = {
  name: 'qwen-code',
  title: 'Qwen Code',
  sessionVariables: ['QWEN_CODE_SESSION_ID'],
  folderVariables: ['QWEN_RUNTIME_DIR', 'QWEN_HOME'],
  secretVariables: ['OPENAI_API_KEY', 'DASHSCOPE_API_KEY'],
  mailEvents: [],
} as const satisfies HarnessDescription;
