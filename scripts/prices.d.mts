export function listPrices(): unknown;
