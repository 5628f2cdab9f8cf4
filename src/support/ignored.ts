/** In place of a class: a pixel that nobody has judged, which no loss and no figure counts. */
export const IGNORED = 255;
