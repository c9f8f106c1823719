/** Bytes of a brief, unless told otherwise: what any model reads without thinking about it. */
export const usualBriefBytes = 32_768;
export const leastBriefBytes = 2_048;
export const mostBriefBytes = 1_048_576;
