/**
 * What sync tools put after the name of a file that two machines wrote: Dropbox and Syncthing say that it is a conflict,
 * iCloud and Google Drive count, OneDrive names the machine. Source of a regular expression that distinguishes case.
 */
export const copySuffix =
  '(?:[ ._(-].*[Cc]onflict.*| \\d{1,3}| \\(\\d{1,3}\\)|-(?=.*[A-Z])[A-Za-z0-9-]{3,63})';
