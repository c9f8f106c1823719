/** Runs a file of the folder beside the page: the only way to read one from a disk. Rejects when it is not there. */
export function runBeside(folder: string, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.onload = () => {
      script.remove();
      resolve();
    };
    script.onerror = () => {
      script.remove();
      reject(new Error(`the file ${folder}/${name} is not beside this page`));
    };
    script.src = `${encodeURIComponent(folder)}/${name}`;
    document.head.append(script);
  });
}
