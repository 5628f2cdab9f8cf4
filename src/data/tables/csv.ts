/**
 * One line of a CSV file. Fields are quoted where a reader that guesses the separator, or cuts spaces at the ends, would
 * take them for something else. Source: RFC 4180.
 */
export function csvLine(fields: readonly string[]): string {
  return `${fields.map(quoted).join(",")}\n`;
}

function quoted(field: string): string {
  return /[",;\t\n\r]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
