/**
 * Runs a file in the folder next to the page: the only way to read one when the page was opened from
 * disk. Rejects if it is missing.
 */
export function runDataScript(folder: string, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.onload = () => {
      script.remove();
      resolve();
    };
    script.onerror = () => {
      script.remove();
      reject(new Error(`the file ${folder}/${name} is not next to this page`));
    };
    script.src = `${encodeURIComponent(folder)}/${name}`;
    document.head.append(script);
  });
}
