/** The table that counts tokens by model, as lines name it. */
export const usageTable = 'session_model_usage';
